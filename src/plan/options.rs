//! What the user of `up` and `down` chooses.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::compose::model::PullPolicy;
use crate::name::{ServiceName, SnapshotName, VolumeName};

/// The choices of `up`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpOptions {
    /// The services to bring up, with what they depend on; all when empty.
    pub services: Vec<ServiceName>,
    /// `run`: what a container beside the replicas of this service needs is made ready, and the replicas are left alone.
    #[serde(default)]
    pub one_off: Option<ServiceName>,
    /// `--no-deps`: only `services`, without what they depend on, and without waiting for it.
    pub no_deps: bool,
    /// When containers that exist are made anew.
    pub recreate: Recreate,
    /// `--always-recreate-deps`: what named services only depend on is made anew too.
    #[serde(default)]
    pub recreate_dependencies: bool,
    /// `--no-start`: containers are made, and nothing is started.
    #[serde(default)]
    pub no_start: bool,
    /// `--pull`: stands in for the `pull_policy` of every service.
    pub pull: Option<PullPolicy>,
    /// When images of services with a `build` are built.
    #[serde(default)]
    pub build: Building,
    /// `--remove-orphans`: removes the containers of services that the project does not have any more.
    pub remove_orphans: bool,
    /// `--renew-anon-volumes`: a recreated container gets new anonymous volumes instead of those of the old one.
    pub renew_volumes: bool,
    /// The volumes that are made anew, with the loss of what is in them, if they have changed: all others stay as they are.
    #[serde(default)]
    pub recreate_volumes: BTreeSet<VolumeName>,
    /// `--wait`: the plan ends when every service runs, or is healthy, or has completed.
    pub wait: bool,
    /// `--wait-timeout`: how long all of it may take.
    #[serde(default)]
    pub wait_timeout: Option<Duration>,
    /// `--timeout`: stands in for the `stop_grace_period` of every container.
    pub timeout: Option<Duration>,
    /// `--parallel`: how many steps may be under way at once, waits not counted; any number when not given.
    #[serde(default)]
    pub at_once: Option<usize>,
}

/// When images are built.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Building {
    /// Those that are missing, and those of `pull_policy: build`.
    #[default]
    Missing,
    /// `--build`: all.
    Always,
    /// `--no-build`: none; one that is missing is an error.
    Never,
}

/// When containers that exist are made anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Recreate {
    /// When their configuration, image or network is not what the project says.
    #[default]
    Diverged,
    /// `--force-recreate`: always; what named services only depend on, when it diverged.
    Force,
    /// `--no-recreate`: never, and networks neither.
    Never,
}

/// What is done to containers as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// `start`: those that do not run, after what they depend on.
    Start {
        /// The plan ends when they run, are healthy, or have completed.
        wait: bool,
        /// How long that may take.
        wait_timeout: Option<Duration>,
    },
    /// `stop`: dependents first.
    Stop {
        /// Stands in for the grace period of each.
        timeout: Option<Duration>,
    },
    /// `restart`: dependents stop first and start last, when what they need is ready.
    Restart {
        /// Stands in for the grace period of each.
        timeout: Option<Duration>,
        /// Dependents that ask for it with `restart: true` stay as they are.
        no_deps: bool,
    },
    /// `kill`.
    Kill {
        /// The number of the signal.
        signal: i32,
        /// Containers of services that the project does not have get it too.
        orphans: bool,
    },
    /// `pause`.
    Pause,
    /// `unpause`.
    Unpause,
    /// `rm`: those that do not run.
    Remove {
        /// Those that run too, once they are stopped.
        stop: bool,
        /// Anonymous volumes go too.
        volumes: bool,
    },
    /// `snapshot restore`: those that use the volumes stop first and start again, with those that ask to be restarted with
    /// them; the plan ends when they are healthy.
    Restore {
        /// The snapshot.
        snapshot: SnapshotName,
        /// Which of its volumes, by their names on the host.
        volumes: Vec<String>,
        /// The services of which a container that runs has one mounted.
        users: BTreeSet<ServiceName>,
    },
}

/// The choices of `down`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DownOptions {
    /// The services to take down; all when empty.
    pub services: Vec<ServiceName>,
    /// `--volumes`: named volumes of the project and anonymous ones go too.
    pub volumes: bool,
    /// `--remove-orphans`: removes the containers of services that the project does not have any more.
    pub remove_orphans: bool,
    /// `--timeout`: stands in for the `stop_grace_period` of every container.
    pub timeout: Option<Duration>,
    /// `--parallel`: how many steps may be under way at once, waits not counted; any number when not given.
    #[serde(default)]
    pub at_once: Option<usize>,
}
