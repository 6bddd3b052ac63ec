//! Why a command of a build failed.

use std::io;
use std::path::PathBuf;

use crate::build::layer::WorkspaceError;
use crate::runtime::RuntimeError;

/// Why a command of a build failed.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It ended with this code.
    #[error("exit code: {code}")]
    Exit {
        /// What it returned; never 0.
        code: i32,
    },
    /// A signal ended it.
    #[error("ended by signal {signal}")]
    Signal {
        /// Its number.
        signal: i32,
    },
    /// The kernel ended it, or one of its processes, for want of memory.
    #[error("out of memory (exit code: {code})")]
    OutOfMemory {
        /// What it returned, or 128 + the signal.
        code: i32,
    },
    /// The build was told to stop.
    #[error("cancelled")]
    Cancelled,
    /// The program cannot be executed, or its container not be made.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The layers.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// A secret that must be there is not.
    #[error("secret `{id}` was not given to the build")]
    NoSecret {
        /// Its id.
        id: String,
    },
    /// A secret cannot be the value of a variable.
    #[error("secret `{id}` is no text, which variable `{env}` needs")]
    SecretIsNoText {
        /// Its id.
        id: String,
        /// The variable.
        env: String,
    },
    /// An SSH agent that must be there is not.
    #[error("SSH agent `{id}` was not given to the build")]
    NoAgent {
        /// Its id.
        id: String,
    },
    /// There is nothing to mount.
    #[error("cannot mount `{}` at `{}`", path.display(), target.display())]
    Source {
        /// What was to be mounted, in the tree that it is from.
        path: PathBuf,
        /// Where.
        target: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The directory of a cache mount.
    #[error("cannot use cache `{id}`")]
    Cache {
        /// Its id.
        id: String,
        /// What the system said.
        source: io::Error,
    },
    /// A limit that there is not.
    #[error("unknown limit `{name}`")]
    Ulimit {
        /// Its name.
        name: String,
    },
    /// Something is not to be had in the container.
    #[error("cannot prepare {what}")]
    Prepare {
        /// What.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

/// Adds what was to be prepared.
pub(super) fn prepare(what: &'static str) -> impl FnOnce(io::Error) -> RunError {
    move |source| RunError::Prepare { what, source }
}
