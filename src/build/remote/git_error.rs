//! Why a git repository cannot be used.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::cache::CacheError;

/// What git, curl and ssh say when they would ask for a password.
const LOGIN_WANTED: &[&str] =
    &["could not read Username", "could not read Password", "Authentication failed", "Permission denied"];

/// Why a git repository cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no `git` in `PATH`.
    #[error("the program `git` is missing")]
    Missing,
    /// It cannot be run.
    #[error("cannot run `git`")]
    Run(#[source] io::Error),
    /// The protocol is not allowed.
    #[error("`{protocol}` is not among the protocols that git may use here: {}", allowed.replace(':', ", "))]
    Protocol {
        /// The protocol of the reference.
        protocol: String,
        /// Those that are, joined by colons.
        allowed: String,
    },
    /// The repository has no such branch or tag.
    #[error("the repository has no branch or tag `{reference}`")]
    NoSuchReference {
        /// What was asked for.
        reference: String,
    },
    /// The ref is at another commit than the reference says.
    #[error("`{reference}` is at commit {actual}, not at {expected}")]
    OtherCommit {
        /// The ref.
        reference: String,
        /// What the repository says.
        actual: String,
        /// What the reference says.
        expected: String,
    },
    /// git failed, and says why.
    #[error("`git {step}` failed: {output}")]
    Failed {
        /// What it was to do.
        step: &'static str,
        /// What it said.
        output: String,
    },
    /// git was silent for too long.
    #[error("`git {step}` takes longer than {}s", limit.as_secs())]
    Slow {
        /// What it was to do.
        step: &'static str,
        /// How long it had.
        limit: Duration,
    },
    /// The subdirectory is not there.
    #[error("there is no `{}` in commit {commit}", path.display())]
    NoSuchPath {
        /// The subdirectory.
        path: PathBuf,
        /// The commit.
        commit: String,
    },
    /// The subdirectory has no Compose file.
    #[error("there is no compose file in `{}` of commit {commit}", path.display())]
    NoComposeFile {
        /// The subdirectory.
        path: PathBuf,
        /// The commit.
        commit: String,
    },
    /// A symbolic link of the repository leads out of it.
    #[error("`{}` of commit {commit} is a link out of the repository", path.display())]
    Escapes {
        /// What was to be read.
        path: PathBuf,
        /// The commit.
        commit: String,
    },
    /// The cache.
    #[error(transparent)]
    Cache(#[from] CacheError),
}

impl GitError {
    /// Whether a password or key is missing, or wrong.
    #[must_use]
    pub fn wants_login(&self) -> bool {
        matches!(self, Self::Failed { output, .. } if LOGIN_WANTED.iter().any(|text| output.contains(text)))
    }
}
