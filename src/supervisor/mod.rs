//! Runs a plan and keeps it true.
//!
//! ```text
//! socket ──Request──▶ server ──Plan──▶ execute ──Command──▶ unit ──▶ runtime, network
//!    ▲                                                       │
//!    └────────────────────Event──────── world ◀──────────────┘
//! ```
//!
//! One process per project, one thread. `server` takes requests one at a time (but for those of programs of the host,
//! see `lease`), `execute` walks their plans, and a `unit` per container is a task of its own: the container's state machine.
//! Killed in the middle, it loses nothing: containers run under their shims, and the next supervisor takes them over from
//! their records.

mod arrival;
mod aside;
mod await_condition;
mod blueprint;
mod build_network;
mod client;
mod control;
mod endpoint;
mod etc;
mod evidence;
mod execute;
mod failure;
mod grant;
mod happening;
mod health;
pub mod health_policy;
mod hooks;
mod host_devices;
mod id_range;
mod lease;
mod links;
mod logging;
pub mod lower;
mod machine;
mod network;
mod observe;
mod one_off;
mod pre_start;
mod provision;
mod publish;
mod request;
mod resolver;
pub mod restart;
mod rewire;
mod rollout;
mod server;
mod shaping;
mod share;
mod shared;
mod snapshot;
mod standalone;
mod start;
mod stopped;
mod timing;
mod unit;
pub mod update_policy;
mod vigil;
mod volume;
mod world;

pub use arrival::Arrival;
pub use blueprint::{Blueprint, Laid, Published, Running, blueprint};
pub use build_network::BuildNetwork;
pub use client::{Client, ClientError};
pub use control::{ContainerChange, ContainerEvent, Event, HostRun, Request, Resource, Status};
pub use evidence::{Ending, Evidence, FailedProbe, Pending, Wait};
pub use failure::{Failure, FailureKind};
pub use happening::{Happening, remembered};
pub use hooks::hook_options;
pub use host_devices::device_nodes;
pub use lease::{HOSTS, RESOLV_CONF, not_up};
pub use observe::{Configuration, Ended, Outline, Record, ended, health, observe};
pub use one_off::{ConsoleSize, OneOff};
pub use rollout::settled_name;
pub use server::{ServeError, Served, serve};
pub use snapshot::{SnapshotWish, VolumeUser, volume_users};
pub use standalone::{create_network, remove_network};
pub use stopped::stopped;
pub use timing::{StepTime, Work, now};

use std::path::Path;

use crate::name::ProjectName;
use crate::state::Layout;

/// The role under which the binary runs itself as a supervisor: `rcompose __supervise PROJECT ROOT RUN`.
pub const ROLE: &str = "__supervise";

/// The arguments with which the binary supervises `project`, after its own name.
fn arguments(project: &ProjectName, layout: &Layout) -> Vec<String> {
    let path = |path: &Path| path.to_string_lossy().into_owned();
    vec![ROLE.to_owned(), project.to_string(), path(layout.root()), path(layout.run())]
}
