//! What a verb fails with. The words of the state rules are runc's: engines look for them.

use std::io;
use std::path::PathBuf;

use super::bundle::BundleError;
use super::hook::HookError;
use super::{InvalidId, Status};
use crate::runtime::RuntimeError;
use crate::runtime::cgroup::CgroupError;

/// Why a verb of the OCI command line did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum OciError {
    /// There is a container of that id.
    #[error("container with given ID already exists")]
    Exists,
    /// There is none.
    #[error("container does not exist")]
    NotFound,
    /// What was asked for takes a container that runs.
    #[error("container not running")]
    NotRunning,
    /// Only a paused container can be resumed.
    #[error("container not paused")]
    NotPaused,
    /// It has been started, and runs.
    #[error("cannot start an already running container")]
    AlreadyRunning,
    /// It has ended.
    #[error("cannot start a container that has stopped")]
    HasStopped,
    /// It is not made yet.
    #[error("cannot {0} a container that is being created")]
    Creating(&'static str),
    /// The configuration does not say what to run.
    #[error("cannot start a container whose configuration has no `process`")]
    NoProcess,
    /// Only a stopped container can be deleted.
    #[error("cannot delete container {id} that is not stopped: {status}")]
    NotStopped {
        /// Its id.
        id: String,
        /// What it does.
        status: Status,
    },
    /// It was to be deleted, and does not end.
    #[error("container init still running")]
    StillRunning,
    /// A process cannot be added to it.
    #[error("cannot exec in a {0}")]
    ExecRefused(&'static str),
    /// A terminal needs someone to hold it.
    #[error("{0}")]
    Terminal(&'static str),
    /// A cgroup for an exec that is not said as it must be.
    #[error("invalid --cgroup argument: {value} ({rule})")]
    CgroupFlag {
        /// What was given.
        value: String,
        /// What is wrong with it.
        rule: &'static str,
    },
    /// Fewer descriptors are open than are to be passed on.
    #[error("cannot pass on descriptors")]
    Preserve(#[source] io::Error),
    /// An exec needs something to execute.
    #[error("process args cannot be empty")]
    NoCommand,
    /// There is no such capability.
    #[error("unknown capability \"{0}\"")]
    UnknownCapability(String),
    /// ps(1) cannot be run, or does not say which process a line is about.
    #[error("cannot list processes with ps")]
    Ps(#[source] io::Error),
    /// A file of limits cannot be read.
    #[error("cannot read resources from `{}`", path.display())]
    Resources {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no such signal.
    #[error("unknown signal \"{0}\"")]
    UnknownSignal(String),
    /// The id is none.
    #[error(transparent)]
    Id(#[from] InvalidId),
    /// The bundle cannot be used.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// A hook failed.
    #[error(transparent)]
    Hook(#[from] HookError),
    /// The container, its shim's records or its processes.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The container's cgroup.
    #[error(transparent)]
    Cgroup(#[from] CgroupError),
    /// The state directory.
    #[error("cannot {action} `{}`", path.display())]
    Directory {
        /// What was tried.
        action: &'static str,
        /// With which path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A socket that takes a terminal or a pidfd.
    #[error("cannot hand a descriptor to `{}`", path.display())]
    Socket {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The conversation with the container's init.
    #[error("cannot talk to the container's init")]
    Channel(#[from] io::Error),
    /// It was killed.
    #[error("the container's init has gone away")]
    InitGone,
}

impl OciError {
    pub(super) fn directory(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Directory { action, path, source }
    }
}
