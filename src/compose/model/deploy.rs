//! `deploy`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::amount::{bytes, duration};
use super::device::DeviceRequest;
use super::element::element;
use super::word::words;

element! {
    /// How many containers, and what they may use; the rest is for swarms.
    pub struct Deploy {
        /// `mode`: `replicated`, `global`, `replicated-job` or `global-job`.
        mode: Option<String>,
        /// `replicas`.
        replicas: Option<u32>,
        /// `labels`: of the service, not of its containers.
        labels: BTreeMap<String, String>,
        /// `endpoint_mode`: `vip` or `dnsrr`.
        endpoint_mode: Option<String>,
        /// `update_config`.
        update_config: Option<UpdateConfig>,
        /// `rollback_config`.
        rollback_config: Option<UpdateConfig>,
        /// `resources`.
        resources: Option<Resources>,
        /// `restart_policy`.
        restart_policy: Option<RestartPolicy>,
        /// `placement`.
        placement: Option<Placement>,
    }
}

element! {
    /// `resources`.
    pub struct Resources {
        /// `limits`: what a container may use at most.
        limits: Option<ResourceAmounts>,
        /// `reservations`: what it can rely on.
        reservations: Option<ResourceAmounts>,
    }
}

element! {
    /// `limits` or `reservations`.
    pub struct ResourceAmounts {
        /// `cpus`: processors.
        cpus: Option<f64>,
        /// `memory` in bytes.
        #[serde(with = "bytes")]
        memory: Option<u64>,
        /// `pids`.
        pids: Option<i64>,
        /// `devices`.
        devices: Vec<DeviceRequest>,
        /// `generic_resources`.
        generic_resources: Vec<GenericResource>,
    }
}

element! {
    /// One of `generic_resources`.
    pub struct GenericResource {
        /// `discrete_resource_spec`.
        discrete_resource_spec: Option<DiscreteResource>,
    }
}

element! {
    /// `discrete_resource_spec`.
    pub struct DiscreteResource {
        /// `kind`.
        kind: String,
        /// `value`.
        value: Option<i64>,
    }
}

element! {
    /// `restart_policy`, which wins over `restart`.
    pub struct RestartPolicy {
        /// `condition`; `any` by default.
        condition: Option<RestartCondition>,
        /// `delay` between attempts.
        #[serde(with = "duration")]
        delay: Option<Duration>,
        /// `max_attempts`; no limit when `None`.
        max_attempts: Option<u32>,
        /// `window`: how long a container must run to have started.
        #[serde(with = "duration")]
        window: Option<Duration>,
    }
}

words! {
    /// When a container is started again.
    pub enum RestartCondition {
        /// Never.
        None = "none" | "no",
        /// When it ended with another code than 0.
        OnFailure = "on-failure",
        /// Whenever it ended, unless stopped by hand.
        UnlessStopped = "unless-stopped",
        /// Whenever it ended.
        Any = "any" | "always",
    }
    else "must be `none`, `on-failure` or `any`"
}

element! {
    /// `update_config` or `rollback_config`.
    pub struct UpdateConfig {
        /// `parallelism`: how many containers at once; 0 is all.
        parallelism: Option<u64>,
        /// `delay` between containers.
        #[serde(with = "duration")]
        delay: Option<Duration>,
        /// `failure_action`: `pause`, `continue` or `rollback`.
        failure_action: Option<String>,
        /// `monitor`: how long a failure counts as that of the update.
        #[serde(with = "duration")]
        monitor: Option<Duration>,
        /// `max_failure_ratio`.
        max_failure_ratio: Option<f64>,
        /// `order`.
        order: Option<UpdateOrder>,
    }
}

words! {
    /// What comes first in an update.
    pub enum UpdateOrder {
        /// The old container stops.
        StopFirst = "stop-first",
        /// The new container starts.
        StartFirst = "start-first",
    }
    else "must be `stop-first` or `start-first`"
}

element! {
    /// `placement`, in a swarm.
    pub struct Placement {
        /// `constraints`.
        constraints: Vec<String>,
        /// `preferences`.
        preferences: Vec<Preference>,
        /// `max_replicas_per_node`.
        max_replicas_per_node: Option<u64>,
    }
}

element! {
    /// One of `preferences`.
    pub struct Preference {
        /// `spread`: the label to spread over.
        spread: Option<String>,
    }
}
