//! What can go wrong with watching.

use std::io;
use std::path::PathBuf;

use crate::name::ServiceName;

/// Why files cannot be watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// No service says what to watch.
    #[error("none of the selected services is configured for watch")]
    Nothing,
    /// An image would have to be built.
    #[error("cannot watch service `{service}`: the action `rebuild` needs `build`, which it does not have")]
    Rebuild {
        /// The service.
        service: ServiceName,
    },
    /// A pattern that is none.
    #[error("`{pattern}` in {place} is not a pattern")]
    Pattern {
        /// The text.
        pattern: String,
        /// Where it stands.
        place: String,
    },
    /// A `.dockerignore` cannot be read.
    #[error("cannot read the patterns of what is ignored")]
    Ignored(#[source] io::Error),
    /// A directory cannot be watched.
    #[error("cannot watch `{}`", path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The kernel watches no more.
    #[error("cannot watch `{}`: this user watches as many files and directories as the kernel allows", path.display())]
    Limit {
        /// The directory that was one too many.
        path: PathBuf,
    },
    /// The kernel tells nothing.
    #[error("cannot watch files")]
    Kernel(#[source] notify::Error),
}

impl WatchError {
    /// What to do about it.
    pub(in crate::cli) fn hint(&self) -> Option<String> {
        match self {
            Self::Nothing => Some("say under `develop.watch` of a service what to do when its files change".to_owned()),
            Self::Rebuild { .. } => Some(
                "say under `build` what its image is made from, or copy files into its containers with `sync`"
                    .to_owned(),
            ),
            Self::Limit { .. } => Some(
                "leave directories out with `ignore`, or allow more: `sysctl fs.inotify.max_user_watches=1048576`"
                    .to_owned(),
            ),
            Self::Pattern { .. } | Self::Ignored(_) | Self::Directory { .. } | Self::Kernel(_) => None,
        }
    }
}
