//! What can go wrong with a container, for those who ask for one.

use std::io;
use std::path::PathBuf;

/// Why a container could not be made, started, watched or deleted.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// A hook failed.
    #[error(transparent)]
    Hook(#[from] Box<super::oci::HookError>),
    /// The specification asks for something that is not done, or contradicts itself.
    #[error(transparent)]
    Spec(#[from] super::SpecError),
    /// The sealed copy of this binary could not be made.
    #[error("cannot copy this program into memory")]
    Copy(#[source] io::Error),
    /// The shim, or the process that enters a container, could not be started.
    #[error("cannot start `{role}`")]
    Spawn {
        /// Its role.
        role: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A record could not be written or read.
    #[error("cannot {action} `{}`", path.display())]
    Record {
        /// `read` or `write`.
        action: &'static str,
        /// Of the file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The conversation with the shim broke off: it was killed.
    #[error("the container's shim has gone away")]
    ShimGone,
    /// The channel to the shim failed.
    #[error("cannot talk to the container's shim")]
    Channel(#[source] io::Error),
    /// The container could not be made or its program not be executed.
    #[error("{error}")]
    Container {
        /// What a shell's `$?` would be: 127 for a program that is not there, 126 for one that cannot be executed, 125 for the rest.
        code: u8,
        /// Which step failed and why.
        error: String,
    },
    /// The container's streams could not be joined.
    #[error("cannot attach to the container")]
    Attach(#[source] io::Error),
    /// There is no such container running.
    #[error("the container is not running")]
    NotRunning,
    /// Its processes are stopped.
    #[error("the container is paused: unpause it first")]
    Paused,
    /// A process could not be watched or signalled.
    #[error("cannot {action} process {pid}")]
    Process {
        /// What was tried.
        action: &'static str,
        /// On which process.
        pid: i32,
        /// Why.
        source: io::Error,
    },
    /// The program that runs the container in place of our own runtime did not do what it was asked.
    #[error(transparent)]
    External(#[from] Box<super::ExternalError>),
    /// A cgroup could not be made, changed or removed.
    #[error(transparent)]
    Cgroup(#[from] super::cgroup::CgroupError),
}
