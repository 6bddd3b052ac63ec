//! A service.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Attachment, Dependency, FileGrant, Healthcheck, Mount, NetworkMode, Port};
use crate::name::{ContainerName, ImageReference, NetworkName, ServiceName};

/// A service, resolved. `None` and empty mean "as the image says" where the image has a say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// `image`.
    pub image: ImageReference,
    /// `pull_policy`.
    pub pull_policy: PullPolicy,
    /// `command`: `None` takes the image's; an empty list empties it.
    pub command: Option<Vec<String>>,
    /// `entrypoint`: anything but `None` also drops the image's command.
    pub entrypoint: Option<Vec<String>>,
    /// `environment` over `env_file`, resolved; a variable without a value is already left out.
    pub environment: BTreeMap<String, String>,
    /// `working_dir`.
    pub working_dir: Option<String>,
    /// `user`: `name|uid[:group|gid]`.
    pub user: Option<String>,
    /// `group_add`: names or gids.
    pub group_add: Vec<String>,
    /// `hostname`; the short container id when `None`.
    pub hostname: Option<String>,
    /// `domainname`.
    pub domainname: Option<String>,
    /// `container_name`.
    pub container_name: Option<ContainerName>,
    /// `init`: a small init reaps and forwards signals as PID 1.
    pub init: bool,
    /// `read_only`: the root file system is read-only.
    pub read_only: bool,
    /// `scale` or `deploy.replicas`; 1 by default.
    pub scale: u32,
    /// `attach`: whether `up` follows its log.
    pub attach: bool,
    /// `restart`.
    pub restart: Restart,
    /// `stop_signal`: `SIGINT`, `INT` or a number; `None` takes the image's, else SIGTERM.
    pub stop_signal: Option<String>,
    /// `stop_grace_period`; 10 s by default.
    pub stop_grace_period: Duration,
    /// `depends_on`.
    pub depends_on: BTreeMap<ServiceName, Dependency>,
    /// `healthcheck`; `None` takes the image's.
    pub healthcheck: Option<Healthcheck>,
    /// `x-rcompose.strict_health`: Docker's timing of probes instead of the eager one.
    pub strict_health: bool,
    /// `ports`, ranges expanded.
    pub ports: Vec<Port>,
    /// `volumes` and `tmpfs`, by target.
    pub mounts: Vec<Mount>,
    /// `network_mode`; excludes `networks`.
    pub network_mode: Option<NetworkMode>,
    /// `networks`; `default` when neither this nor `network_mode` is given.
    pub networks: BTreeMap<NetworkName, Attachment>,
    /// `extra_hosts`: host to addresses (`host-gateway` kept as written).
    pub extra_hosts: BTreeMap<String, Vec<String>>,
    /// `dns`.
    pub dns: Vec<String>,
    /// `dns_search`.
    pub dns_search: Vec<String>,
    /// `dns_opt`.
    pub dns_opt: Vec<String>,
    /// `labels`.
    pub labels: BTreeMap<String, String>,
    /// `configs`.
    pub configs: Vec<FileGrant>,
    /// `secrets`.
    pub secrets: Vec<FileGrant>,
    /// `cap_add`: upper case, without `CAP_`; may hold `ALL`.
    pub cap_add: Vec<String>,
    /// `cap_drop`: as `cap_add`.
    pub cap_drop: Vec<String>,
    /// `sysctls`.
    pub sysctls: BTreeMap<String, String>,
    /// `ulimits` by lower-case name: `nofile`.
    pub ulimits: BTreeMap<String, Ulimit>,
    /// `shm_size` in bytes; 64 MiB when `None`.
    pub shm_size: Option<u64>,
    /// `mem_limit` or `deploy.resources.limits.memory`, in bytes.
    pub mem_limit: Option<u64>,
    /// `cpus` or `deploy.resources.limits.cpus`: processors, in billionths.
    pub nano_cpus: Option<u64>,
    /// `pids_limit` or `deploy.resources.limits.pids`; `-1` is unlimited.
    pub pids_limit: Option<i64>,
}

impl Service {
    /// A service of which only the image is given: every other key has its default, but for `networks`, which
    /// the loader fills in (`default` when the file names none).
    #[must_use]
    pub fn new(image: ImageReference) -> Self {
        Self {
            image,
            pull_policy: PullPolicy::default(),
            command: None,
            entrypoint: None,
            environment: BTreeMap::new(),
            working_dir: None,
            user: None,
            group_add: Vec::new(),
            hostname: None,
            domainname: None,
            container_name: None,
            init: false,
            read_only: false,
            scale: 1,
            attach: true,
            restart: Restart::default(),
            stop_signal: None,
            stop_grace_period: Duration::from_secs(10),
            depends_on: BTreeMap::new(),
            healthcheck: None,
            strict_health: false,
            ports: Vec::new(),
            mounts: Vec::new(),
            network_mode: None,
            networks: BTreeMap::new(),
            extra_hosts: BTreeMap::new(),
            dns: Vec::new(),
            dns_search: Vec::new(),
            dns_opt: Vec::new(),
            labels: BTreeMap::new(),
            configs: Vec::new(),
            secrets: Vec::new(),
            cap_add: Vec::new(),
            cap_drop: Vec::new(),
            sysctls: BTreeMap::new(),
            ulimits: BTreeMap::new(),
            shm_size: None,
            mem_limit: None,
            nano_cpus: None,
            pids_limit: None,
        }
    }
}

/// `pull_policy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PullPolicy {
    /// Pulls on every `up`.
    Always,
    /// Never pulls.
    Never,
    /// Pulls what is not in the store.
    #[default]
    Missing,
}

/// `restart` (or `deploy.restart_policy.condition`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restart {
    /// Never.
    #[default]
    No,
    /// Whenever it ends, unless stopped by hand.
    Always,
    /// As `Always`, and stays stopped over a reboot when stopped by hand.
    UnlessStopped,
    /// When it ends with another code than 0, at most `max_attempts` times.
    OnFailure {
        /// `on-failure:N`; no limit when `None`.
        max_attempts: Option<u32>,
    },
}

/// A resource limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ulimit {
    /// The soft limit; `-1` is unlimited.
    pub soft: i64,
    /// The hard limit; `-1` is unlimited.
    pub hard: i64,
}
