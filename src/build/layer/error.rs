//! Why a layer does not come to be.

use std::io;
use std::path::PathBuf;

use crate::image::StoreError;
use crate::runtime::files::FilesError;

/// Why a layer does not come to be.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The layers cannot be mounted over one another.
    #[error("cannot mount the layers of a build step")]
    Mount(#[source] io::Error),
    /// One of the directories cannot be used.
    #[error("cannot prepare `{}`", path.display())]
    Prepare {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What was changed cannot be read.
    #[error("cannot read the changes of a build step")]
    Pack(#[from] FilesError),
    /// What was changed cannot be put in order.
    #[error("cannot finish `{}`", path.display())]
    Tidy {
        /// The path in the layer.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
