//! `x-rcompose`.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use super::amount::{duration, percentage, rate};
use super::element::element;

element! {
    /// What a service may ask of rcompose for which Compose has no attribute.
    pub struct Extension {
        /// `strict_health`: Docker's timing of probes instead of the eager one.
        strict_health: bool,
        /// `restart_unhealthy`: a container that is unhealthy is stopped, and started again as one that failed.
        restart_unhealthy: bool,
        /// `dns`: domains whose names are asked of servers of their own, which the machine can reach.
        #[serde(deserialize_with = "super::address::lists")]
        dns: BTreeMap<String, Vec<IpAddr>>,
        /// `network`: what its networks carry; see [`super::Service::network_limits`].
        network: Option<NetworkLimits>,
    }
}

element! {
    /// What each network of a service carries, to and from it. Changed in the file, it is changed as containers run.
    pub struct NetworkLimits {
        /// `rate`.
        rate: Option<Rates>,
        /// `delay`: by how much packets are late in each direction.
        #[serde(with = "duration")]
        delay: Option<Duration>,
        /// `jitter`: by how much the delay varies.
        #[serde(with = "duration")]
        jitter: Option<Duration>,
        /// `loss`: how many of 100 packets are lost in each direction.
        #[serde(with = "percentage")]
        loss: Option<f64>,
    }
}

element! {
    /// Bytes a second; `None` is as much as there is.
    pub struct Rates {
        /// `in`: what it receives.
        #[serde(rename = "in", with = "rate")]
        inward: Option<u64>,
        /// `out`: what it sends.
        #[serde(rename = "out", with = "rate")]
        outward: Option<u64>,
    }
}
