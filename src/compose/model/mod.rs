//! The resolved model of a Compose project: every path absolute, every name checked.
//!
//! Attributes are called and structured as in a file, so that serde reads and writes them; their values are types that
//! cannot be wrong. What only tells the loader what to do (`extends`, `env_file`, `label_file`, `include`, `version`) is
//! done with by then and has no place here.

mod address;
mod ai_model;
mod amount;
mod build;
mod depends_on;
mod deploy;
mod device;
mod effective;
mod element;
mod extension;
mod file;
mod healthcheck;
mod hooks;
mod logging;
mod mount;
mod namespace;
mod network;
pub mod network_options;
mod policy;
mod port;
mod project;
mod raw_mount;
mod service;
mod sharing;
mod ulimit;
mod variable;
mod volume;
mod watch;
mod windows;
mod word;

pub use ai_model::{AiModel, AiModelBinding};
pub use build::Build;
pub use depends_on::{Condition, Dependency};
pub use deploy::{
    Deploy, DiscreteResource, GenericResource, Placement, Preference, ResourceAmounts, Resources, RestartCondition,
    RestartPolicy, UpdateConfig, UpdateOrder,
};
pub use device::{BlkioConfig, DeviceCount, DeviceMapping, DeviceRate, DeviceRequest, DeviceWeight};
pub use extension::{Extension, NetworkLimits, Rates};
pub use file::{FileGrant, FileObject, FileSource};
pub use healthcheck::{Healthcheck, Probe};
pub use hooks::{Hook, Provider};
pub use logging::{Logging, SyslogServer, log_names, syslog_facility, syslog_server};
pub use mount::{Foreign, Mount, Propagation, Tmpfs};
pub use namespace::{IpcMode, PidMode};
pub use network::{Attachment, Ipam, MacAddress, Network, NetworkMode, Pool, Prefix};
pub use network_options::{GatewayMode, NetworkDriver};
pub use policy::{PullPolicy, Restart};
pub use port::{Port, Protocol};
pub use project::{OciRuntime, Project};
pub use service::Service;
pub use sharing::{Peer, VolumesFrom};
pub use ulimit::Ulimit;
pub(super) use variable::capability;
pub use variable::{Hosts, OneOrMany, SshAgents};
pub use volume::Volume;
pub use watch::{Develop, WatchAction, WatchRule};
pub use windows::CredentialSpec;
