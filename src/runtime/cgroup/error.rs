//! What can go wrong with a cgroup.

use std::io;
use std::path::{Path, PathBuf};

/// Why a cgroup could not be made, changed, read or removed.
#[derive(Debug, thiserror::Error)]
pub enum CgroupError {
    /// A directory could not be made, found or removed.
    #[error("cannot {action} cgroup `{}`", path.display())]
    Directory {
        /// `make`, `find` or `remove`.
        action: &'static str,
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A limit could not be set.
    #[error("cannot write `{value}` to `{}`: {reason}", path.display())]
    Limit {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        value: String,
        /// What that means, and what helps.
        reason: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A file of it could not be read.
    #[error("cannot read the cgroup of the container")]
    Read(#[source] io::Error),
    /// A limit is set whose controller this machine does not have.
    #[error(
        "the kernel has no `{0}` cgroup controller: start it with that controller enabled, or leave out what needs it"
    )]
    NoController(&'static str),
    /// A limit is set whose controller the cgroups of containers cannot have.
    #[error(
        "cgroup `{}` does not hand down the `{controller}` controller: {reason}, or leave out the limit",
        path.display()
    )]
    NotDelegated {
        /// The controller.
        controller: &'static str,
        /// The cgroup.
        path: PathBuf,
        /// What to do.
        reason: &'static str,
    },
    /// A limit means nothing to this version of cgroups.
    #[error("`{field}` is not possible with cgroup version {version}: {reason}")]
    Unsupported {
        /// As in the specification: `memory.swappiness`.
        field: String,
        /// 1 or 2.
        version: u8,
        /// Why, and what to use instead.
        reason: &'static str,
    },
    /// A limit is none.
    #[error("`{field}: {value}` {expected}")]
    Invalid {
        /// As in the specification.
        field: String,
        /// What it says.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// There are processes of others in the cgroup that the container is to have.
    #[error("cgroup `{}` has processes already: a container needs one of its own", .0.display())]
    Occupied(PathBuf),
    /// What is put into the cgroup that the container is to have does not run.
    #[error("cgroup `{}` is frozen: what is put into it would never run", .0.display())]
    Frozen(PathBuf),
    /// A process was to be put into a cgroup of the container that it does not have.
    #[error("the container has no cgroup of the controller `{0}`")]
    NotIn(String),
    /// A process was to be put into a cgroup of the container, and that would not be one.
    #[error("`{}` leads out of the container's cgroup", .0.display())]
    Outside(PathBuf),
    /// The processes in it could not be ended.
    #[error("cannot kill the processes of cgroup `{}`", path.display())]
    Kill {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The processes in it could not be stopped or set going again.
    #[error("cannot {action} the processes of cgroup `{}`", path.display())]
    Freeze {
        /// `freeze` or `thaw`.
        action: &'static str,
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A container cannot be frozen, measured or listed without any cgroup.
    #[error("the container has no cgroup on this machine")]
    None,
}

impl CgroupError {
    /// Of writing `value` to a file.
    pub(super) fn limit(path: &Path, value: &str, source: io::Error) -> Self {
        let reason = match source.raw_os_error() {
            Some(libc::ENOENT) => "this kernel has no such limit",
            Some(libc::EINVAL | libc::ERANGE) => "the kernel does not accept this value, or not below the parent's",
            Some(libc::EBUSY) => "more is in use already: free it first, or allow more",
            Some(libc::ENODEV | libc::ENXIO) => "there is no such device, or it cannot be limited",
            Some(libc::EOPNOTSUPP) => "the kernel does not support it here",
            Some(libc::EACCES | libc::EPERM | libc::EROFS) => "that takes more rights over the cgroup",
            _ => "the kernel refuses",
        };
        Self::Limit { path: path.to_owned(), value: value.to_owned(), reason, source }
    }

    pub(super) fn unsupported(field: &str, version: u8, reason: &'static str) -> Self {
        Self::Unsupported { field: field.to_owned(), version, reason }
    }
}
