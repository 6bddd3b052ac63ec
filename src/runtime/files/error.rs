//! What can go wrong with files.

use std::io;
use std::path::PathBuf;

/// Why files could not be copied.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// Something cannot be looked at.
    #[error("cannot look at `{}`", path.display())]
    Look {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Directories below one another without end.
    #[error("`{}` is nested too deeply", path.display())]
    TooDeep {
        /// Where.
        path: PathBuf,
    },
    /// The archive cannot be written.
    #[error("cannot write the archive")]
    Output(#[source] io::Error),
    /// The archive cannot be read.
    #[error("cannot read the archive")]
    Input(#[source] io::Error),
    /// An entry of the archive that leads elsewhere, or is no file.
    #[error("archive entry `{}`: {reason}", path.display())]
    Refused {
        /// Its name.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A directory would take the place of something else, or the other way round.
    #[error("cannot overwrite {there} `{}` with {wanted}", path.display())]
    Overwrite {
        /// Where.
        path: PathBuf,
        /// What is there.
        there: &'static str,
        /// What was to come there.
        wanted: &'static str,
    },
    /// Something cannot be written.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something cannot be removed.
    #[error("cannot remove `{}`", path.display())]
    Remove {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The files of a container that does not run cannot be put together.
    #[error("cannot mount the files of the container: {step}")]
    Mount {
        /// What was tried.
        step: String,
        /// Why.
        source: io::Error,
    },
    /// What the container has changed was in memory.
    #[error("the changes of this container were kept in memory, as its image is the directory that its state lies in")]
    InMemory,
}
