//! Why a build fails.

use std::io;
use std::path::PathBuf;

use crate::build::copy::{CopyError, InvalidMode};
use crate::build::dockerfile::IgnoreError;
use crate::build::event::StepNumber;
use crate::build::layer::WorkspaceError;
use crate::build::pattern::BadPattern;
use crate::build::remote::{GitError, WebError};
use crate::build::run::RunError;
use crate::image::{DepotError, Digest};

/// Why a build fails.
#[derive(Debug, thiserror::Error)]
pub enum SolveError {
    /// A step.
    #[error("{source}")]
    Step {
        /// Which.
        step: StepNumber,
        /// Why.
        source: Box<StepError>,
    },
    /// The directory that files are copied from.
    #[error("cannot read the build context `{}`", path.display())]
    Context {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What leaves files out of it.
    #[error("cannot read `{file}`")]
    Ignore {
        /// The file.
        file: String,
        /// Why.
        source: IgnoreError,
    },
    /// A layer that another machine has made cannot be brought.
    #[error("cannot bring a layer of the cache")]
    Bring(#[from] DepotError),
    /// The records of earlier builds.
    #[error("cannot use the build cache")]
    Cache(#[source] io::Error),
}

/// Why a step fails.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// Its program.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Its files.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// What `--chmod` says.
    #[error(transparent)]
    Mode(#[from] InvalidMode),
    /// What `--exclude` says.
    #[error(transparent)]
    Exclude(#[from] BadPattern),
    /// A file of the network.
    #[error(transparent)]
    Web(#[from] WebError),
    /// A git repository.
    #[error(transparent)]
    Git(#[from] GitError),
    /// Where something of the network is to be.
    #[error("cannot fetch `{address}`: {rule}")]
    Address {
        /// As it was written.
        address: String,
        /// The rule that it breaks.
        rule: String,
    },
    /// The devices of this machine.
    #[error("cannot list the devices of this machine")]
    Devices(#[source] io::Error),
    /// What `.dockerignore` leaves out of what it mounts.
    #[error("cannot hide what is left out of the build context")]
    Hide(#[source] io::Error),
    /// Its layer.
    #[error(transparent)]
    Layer(#[from] WorkspaceError),
    /// A layer that another machine has made cannot be brought.
    #[error("cannot bring a layer of the cache")]
    Bring(#[from] DepotError),
    /// A layer that it goes over has been removed from the store.
    #[error("a layer of the base image is not in the store any more")]
    LayerGone,
    /// What it copies from cannot be opened.
    #[error("cannot open what is copied from")]
    Open(#[source] io::Error),
    /// The directory of `WORKDIR` cannot be made.
    #[error("cannot make the directory `{path}`")]
    Workdir {
        /// Which.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The owner of the directory of `WORKDIR`.
    #[error("cannot make the directory `{path}` one of `{user}`")]
    WorkdirOwner {
        /// Which.
        path: String,
        /// Whose it is to be.
        user: String,
        /// Why.
        source: crate::runtime::UserError,
    },
    /// A secret cannot be read.
    #[error("cannot read secret `{id}`")]
    Secret {
        /// Which.
        id: String,
        /// Why, with the path.
        source: io::Error,
    },
    /// An address of `extra_hosts`.
    #[error("`{address}` of the host `{name}` is not an address")]
    Host {
        /// The name.
        name: String,
        /// What is no address.
        address: String,
    },
    /// The records of earlier builds.
    #[error("cannot use the build cache")]
    Cache(#[source] io::Error),
    /// Another step has failed, or the user wants it.
    #[error("given up")]
    Cancelled,
}

impl From<Digest> for StepError {
    fn from(_: Digest) -> Self {
        Self::LayerGone
    }
}
