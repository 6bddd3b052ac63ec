//! What can go wrong with a copy.

use std::io;
use std::path::PathBuf;

use crate::build::context::TreeError;
use crate::build::pattern::BadPattern;
use crate::runtime::{FilesError, UserError};

/// Why something was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// A source is not there.
    #[error("`{path}` is not there")]
    NotFound {
        /// As it was written.
        path: String,
        /// What is there and called nearly so.
        near: Option<String>,
        /// It begins above the context, where nothing can be copied from.
        is_outside: bool,
    },
    /// A source is there, but left out of the context.
    #[error("`{path}` is left out of the context by `{pattern}` in .dockerignore")]
    Ignored {
        /// As it was written.
        path: String,
        /// The pattern.
        pattern: String,
    },
    /// A source is a symlink to nothing.
    #[error("`{path}` is a symlink that leads to nothing")]
    Dangling {
        /// As it was written.
        path: String,
    },
    /// A wildcard that cannot be read.
    #[error(transparent)]
    Pattern(#[from] BadPattern),
    /// There is no such user or group.
    #[error("cannot make the copies `{chown}`'s")]
    Owner {
        /// As it was written.
        chown: String,
        /// Why.
        source: UserError,
    },
    /// Something in the tree cannot be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// A file is no longer what it was when its key was made.
    #[error("`{}` was changed during the build", path.display())]
    Changed {
        /// Where, from the root of the tree.
        path: PathBuf,
    },
    /// Several files would become one.
    #[error("{count} files cannot become the one file `{path}`: a directory ends in `/`")]
    ManyToOne {
        /// How many.
        count: usize,
        /// The destination.
        path: String,
    },
    /// Something else is where something is to be.
    #[error("cannot replace {there} `{}` with {wanted}", path.display())]
    Overwrite {
        /// Where.
        path: PathBuf,
        /// What is there.
        there: &'static str,
        /// What was to come there.
        wanted: &'static str,
    },
    /// Directories below one another without end.
    #[error("`{}` is nested too deeply", path.display())]
    TooDeep {
        /// Where.
        path: PathBuf,
    },
    /// A file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// Where, from the root of the tree.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// An archive cannot be unpacked.
    #[error("cannot unpack `{}`", path.display())]
    Unpack {
        /// Which.
        path: PathBuf,
        /// Why.
        source: FilesError,
    },
    /// Somebody has asked to stop.
    #[error("the build was stopped")]
    Cancelled,
}
