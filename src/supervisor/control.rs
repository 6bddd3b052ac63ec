//! What is said on the supervisor's socket: one JSON value a line.
//!
//! ```text
//! client ──▶ Request            one per connection
//! client ◀── "Accepted"         the supervisor stays until it is done; without this word it is leaving
//! client ◀── Waiting            when another request has been in its way for a second
//! client ◀── Event …            as things happen
//! client ◀── Held               only after `Run`: what it is to be attached to is there, and is held
//! client ──▶ newline            it is attached
//! client ◀── Done | Failed      the request is finished
//! client ◀── Container …        only after `Up { follow: true }` and `Run`, until the client hangs up
//! ```
//!
//! A client that hangs up before `Done` cancels what it asked for; what was made stays, for the next `up` or `down`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::evidence::Evidence;
use super::failure::Failure;
use super::happening::Happening;
use super::one_off::OneOff;
use super::snapshot::SnapshotWish;
use super::timing::StepTime;
use crate::compose::model::{Attachment, Project};
use crate::name::{ContainerId, ContainerName, NetworkName, ServiceName};
use crate::network::SubnetPool;
use crate::plan::{Action, DownOptions, UpOptions};

/// Said once a request has been read: a client that does not hear it asks another supervisor.
pub(super) const ACCEPTED: &[u8] = b"\"Accepted\"\n";

/// What a client asks for.
#[derive(Debug, Serialize, Deserialize)]
pub enum Request {
    /// Makes the project's containers what the project says.
    Up {
        /// The project.
        project: Box<Project>,
        /// How.
        options: UpOptions,
        /// Where the user has subnets taken from.
        subnet_pools: Vec<SubnetPool>,
        /// Whether to go on reporting containers after `Done`.
        follow: bool,
        /// Whether to tell when each step was under way.
        #[serde(default)]
        timed: bool,
    },
    /// Runs one command in a container of its own, once what that needs is there. A client that is to be attached hears
    /// [`Event::Held`], and says something when it is: only then the command is executed.
    Run {
        /// The project, in which the service is what the container is made from.
        project: Box<Project>,
        /// How what it needs is made.
        options: UpOptions,
        /// Where the user has subnets taken from.
        subnet_pools: Vec<SubnetPool>,
        /// The container.
        one_off: OneOff,
    },
    /// Removes the project's containers and networks.
    Down {
        /// The project, when there is a file.
        project: Option<Box<Project>>,
        /// How.
        options: DownOptions,
    },
    /// Does something to containers as they are.
    Act {
        /// The project, when there is a file.
        project: Option<Box<Project>>,
        /// Of which services; of all when empty.
        services: Vec<ServiceName>,
        /// What.
        action: Action,
        /// How many steps may be under way at once; any number when not given.
        #[serde(default)]
        at_once: Option<usize>,
        /// Whether to tell when each step was under way.
        #[serde(default)]
        timed: bool,
    },
    /// Puts a container of the project on one of its networks.
    Connect {
        /// The container.
        container: ContainerId,
        /// The network's id.
        network: String,
        /// As what.
        attachment: Box<Attachment>,
    },
    /// Takes a container of the project off a network.
    Disconnect {
        /// The container.
        container: ContainerId,
        /// The network's id.
        network: String,
    },
    /// Puts a network namespace of the client on networks of the project, for as long as the client's process lives,
    /// whatever that executes. Waits for no other request.
    HostRun(HostRun),
    /// Tells what happens to containers, first what has happened after a moment, as far as it is remembered; then `Done`, and
    /// further as it happens. Waits for no other request, and the supervisor does not stay for it.
    Events {
        /// The moment.
        after: jiff::Timestamp,
    },
    /// Makes, puts back or removes a snapshot of volumes.
    Snapshot(SnapshotWish),
    /// Removes a network of the project that no container is on.
    RemoveNetwork {
        /// Its key.
        network: NetworkName,
    },
}

/// What a program of the host is to have of the project.
#[derive(Debug, Serialize, Deserialize)]
pub struct HostRun {
    /// The descriptor, of the client, of the network namespace that it will run in.
    pub netns: i32,
    /// The networks, by key or by name; when empty, all that lead out.
    pub networks: Vec<String>,
    /// What it is called there, if it is to be found.
    pub name: Option<ContainerName>,
    /// What it is, for messages.
    pub command: String,
}

impl Request {
    /// Whether its client listens on after the end of the request.
    pub(super) fn follows(&self) -> bool {
        match self {
            Self::Up { follow, .. } => *follow,
            Self::Run { one_off, .. } => one_off.attached,
            _ => false,
        }
    }
}

/// What the supervisor says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Event {
    /// An operation went on.
    Progress {
        /// What it works on.
        resource: Resource,
        /// How far it is.
        status: Status,
    },
    /// Something the user should know.
    Warning(String),
    /// A hook of a container wrote a line.
    Hook {
        /// The container.
        container: ContainerName,
        /// The line.
        line: String,
    },
    /// Another request is being performed, and this one waits for it, which the text names; nothing when its turn has come.
    Waiting(Option<String>),
    /// A container that was started ended in a failure before the request did.
    Died(Box<Evidence>),
    /// A container that [`Request::Run`] asks for is there, and is held until its client is attached.
    Held(ContainerId),
    /// When the steps of a request were under way which is to be timed: said before its end, whatever that is.
    Timed(Vec<StepTime>),
    /// A container started or ended.
    Container(ContainerEvent),
    /// Something happened to a container: only to those who have asked for [`Request::Events`].
    Happened(Happening),
    /// The request is finished.
    Done,
    /// The request failed; everything that could be done was done.
    Failed(Vec<Failure>),
}

/// What an operation works on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Resource {
    /// A container, by name.
    Container(ContainerName),
    /// A network, by its name on the host.
    Network(String),
    /// A volume, by its name on the host.
    Volume(String),
}

/// How far an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// It is being made.
    Creating,
    /// It is made.
    Created,
    /// It is being started.
    Starting,
    /// It is started.
    Started,
    /// It is changed, and runs on.
    Updated,
    /// It runs as it should already.
    Running,
    /// Someone waits for its condition.
    Waiting,
    /// It is healthy.
    Healthy,
    /// It ended with code 0, as awaited.
    Completed,
    /// It is being stopped.
    Stopping,
    /// It is stopped.
    Stopped,
    /// It is being killed.
    Killing,
    /// It is killed.
    Killed,
    /// It is paused.
    Paused,
    /// It goes on.
    Unpaused,
    /// It is being copied to a snapshot.
    Saving,
    /// It is in the snapshot.
    Saved,
    /// It is being made what a snapshot has of it.
    Restoring,
    /// It is.
    Restored,
    /// It is being removed.
    Removing,
    /// It is removed.
    Removed,
    /// What was tried failed.
    Error,
}

/// A change of a container that nobody need have asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ContainerEvent {
    /// Which.
    pub id: ContainerId,
    /// Its name.
    pub name: ContainerName,
    /// Its service.
    pub service: ServiceName,
    /// Whether it is none of the service's replicas.
    #[serde(default)]
    pub is_one_off: bool,
    /// What happened.
    pub change: ContainerChange,
}

/// What happened to a container.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum ContainerChange {
    /// It was started; its output is appended to this log.
    Started {
        /// The log.
        log: PathBuf,
    },
    /// It ended.
    Exited {
        /// With this code.
        code: i32,
        /// Whether the kernel killed a process of it for want of memory.
        oom: bool,
        /// Whether its policy starts it again.
        restarting: bool,
    },
}
