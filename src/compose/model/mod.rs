//! The resolved model of a Compose project: every default applied, every path absolute, every name checked.

mod depends_on;
mod file;
mod healthcheck;
mod mount;
mod network;
mod port;
mod project;
mod service;

pub use depends_on::{Condition, Dependency};
pub use file::{FileGrant, FileSource};
pub use healthcheck::{Healthcheck, Probe};
pub use mount::{Mount, Propagation};
pub use network::{Attachment, Network, NetworkMode, Volume};
pub use port::{Port, Protocol};
pub use project::Project;
pub use service::{PullPolicy, Restart, Service, Ulimit};
