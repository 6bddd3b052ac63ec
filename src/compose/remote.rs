//! References to Compose files that lie elsewhere, and how a load has them fetched.
//!
//! ```text
//! https://host/path.git[?query][#[REF][:SUBDIRECTORY]]     git, over https (http must be allowed by hand)
//! ssh://[user@]host/path…   git://host/path…   user@host:path…   github.com/owner/name…
//! oci://registry/repository[:tag][@digest]                 an artifact that `docker compose publish` pushes
//! ```
//!
//! Wherever a file can be named (`-f`, `COMPOSE_FILE`, `include`, `extends.file`), [`localize`] comes before the name
//! is taken for a path:
//!
//! ```ignore
//! let fetched = remote::localize(text, files)?;
//! let path = fetched.map_or_else(|| absolute(base, text.as_ref()), |fetched| fetched.file);
//! ```
//!
//! A project whose first file is remote still is that of the current directory: its name and its `.env` come from there,
//! and only the relative paths begin where the file was brought to. So does docker compose 2.40.3.

use std::error::Error;
use std::path::{Path, PathBuf};

use super::Files;
use crate::name::{GitReference, ImageReference, RegistryReference};

/// Where a Compose file comes from, when it is not a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemoteReference {
    /// A commit of a git repository.
    Git(GitReference),
    /// An artifact in a registry.
    Oci(RegistryReference),
}

/// What [`Files::fetch`] brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The Compose file; absolute. Relative paths in it begin at its directory.
    pub file: PathBuf,
    /// The directory of everything that came with it, which holds `file` at any depth; absolute.
    pub root: PathBuf,
}

/// Why a remote file is not there. References are named without the passwords in them.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// It looks remote, and cannot be understood.
    #[error("invalid reference `{reference}`: {reason}")]
    Invalid {
        /// As it was written.
        reference: String,
        /// The rule it breaks.
        reason: String,
    },
    /// The reader of files has none but its own.
    #[error("`{reference}` is remote, and only local files can be read here")]
    LocalOnly {
        /// As it was written.
        reference: String,
    },
    /// It was tried.
    #[error("cannot fetch `{reference}`")]
    Fetch {
        /// As it was written.
        reference: String,
        /// Why not, by whoever reads files.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl RemoteError {
    /// The error and its causes on one line, for a diagnostic.
    #[must_use]
    pub fn in_one_line(&self) -> String {
        let causes = std::iter::successors(self.source(), |cause| (**cause).source());
        let texts: Vec<String> = std::iter::once(self.to_string()).chain(causes.map(ToString::to_string)).collect();
        texts.join(": ")
    }
}

/// Where the Compose file of a fetched directory may be, best first.
pub fn main_files(directory: &Path) -> impl Iterator<Item = PathBuf> {
    super::locate::NAMES.iter().map(|name| directory.join(name))
}

/// Makes the file that `text` names a local one, if it is remote; `None` when it is a path.
///
/// # Errors
/// [`RemoteError`].
pub fn localize(text: &str, files: &dyn Files) -> Result<Option<Fetched>, RemoteError> {
    RemoteReference::parse(text)?.map(|reference| files.fetch(&reference)).transpose()
}

impl RemoteReference {
    /// Tells references from paths; `None` for a path. What has `scheme://` is never one.
    ///
    /// # Errors
    /// [`RemoteError::Invalid`] for a reference that cannot be understood.
    pub fn parse(text: &str) -> Result<Option<Self>, RemoteError> {
        let invalid = |reason: String| RemoteError::Invalid { reference: GitReference::without_password(text), reason };
        if let Some(rest) = text.strip_prefix("oci://") {
            return match ImageReference::parse(rest) {
                Ok(ImageReference::Registry(reference)) => Ok(Some(Self::Oci(reference))),
                Ok(ImageReference::Rootfs(_)) => Err(invalid("an artifact lies in a registry".to_owned())),
                Err(error) => Err(invalid(error.rule.to_owned())),
            };
        }
        Ok(GitReference::parse(text).map_err(invalid)?.map(Self::Git))
    }

    /// What messages call it: as it was written, without a password.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Git(reference) => reference.to_string(),
            Self::Oci(reference) => format!("oci://{reference}"),
        }
    }
}
