//! What there is to tell of an image beside what its containers run: for whom it is, how large, and since when.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use jiff::Timestamp;

use super::config::ConfigDocument;
use super::digest::Digest;
use super::manifest::Platform;
use super::store::{Store, StoreError};
use crate::name::ImageReference;

/// What there is to tell of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    /// `linux/amd64`.
    pub platform: String,
    /// When it was made, if it says so.
    pub created: Option<Timestamp>,
    /// What its layers take on disk, in bytes.
    pub size: u64,
}

/// The platform of this machine: `linux/amd64`.
#[must_use]
pub fn host_platform() -> String {
    Platform::host().name()
}

/// Whether a platform, as people write it, is this machine's.
#[must_use]
pub fn is_host_platform(platform: &str) -> bool {
    let host = host_platform();
    let platform = platform.replace("x86_64", "amd64").replace("aarch64", "arm64");
    let without_variant = |platform: &str| platform.trim_end_matches("/v8").to_owned();
    platform == "linux" || without_variant(&platform) == without_variant(&host)
}

impl Store {
    /// The image with this id; `None` for one that is not in the store.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn details(&self, id: &str) -> Result<Option<Details>, StoreError> {
        let Ok(id) = id.parse::<Digest>() else { return Ok(None) };
        let Some((config, diff_ids)) = self.config(id)? else { return Ok(None) };
        let document: ConfigDocument = serde_json::from_str(&config)
            .map_err(|source| StoreError::Record { path: id.to_string().into(), source })?;
        let mut size = 0;
        for diff_id in diff_ids {
            size += self.layer_size(diff_id)?;
        }
        Ok(Some(Details { platform: document.platform(), created: document.created, size }))
    }

    /// When `reference` came to mean what it means on this machine; `None` for a directory, and for what was never pulled.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn tagged_at(&self, reference: &ImageReference) -> Result<Option<Timestamp>, StoreError> {
        let ImageReference::Registry(reference) = reference else { return Ok(None) };
        match fs_err::metadata(self.tag_path(reference)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            result => {
                let metadata = result.map_err(|error| self.io(error))?;
                Ok(Timestamp::new(metadata.mtime(), i32::try_from(metadata.mtime_nsec()).unwrap_or(0)).ok())
            }
        }
    }

    /// What the files of a layer hold, in bytes. Counted once: layers do not change.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn layer_size(&self, diff_id: Digest) -> Result<u64, StoreError> {
        let known = self.size_path(diff_id);
        if let Some(size) = fs_err::read_to_string(&known).ok().and_then(|text| text.trim().parse().ok()) {
            return Ok(size);
        }
        let size = size_of(&self.layer_path(diff_id)).map_err(|error| self.io(error))?;
        crate::sys::write_atomic(&known, size.to_string().as_bytes()).map_err(|error| self.io(error))?;
        Ok(size)
    }
}

/// The bytes of all regular files below `path`, of each name of a file once more. Nothing is followed: the names are read
/// from the directories themselves.
fn size_of(path: &Path) -> io::Result<u64> {
    let mut size = 0;
    for entry in fs_err::read_dir(path)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            size += size_of(&entry.path())?;
        } else if metadata.is_file() {
            size += metadata.len();
        }
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_a_tree() {
        let directory = tempfile::tempdir().unwrap();
        fs_err::create_dir(directory.path().join("a")).unwrap();
        fs_err::write(directory.path().join("a/b"), [0; 1000]).unwrap();
        fs_err::write(directory.path().join("c"), [0; 23]).unwrap();
        std::os::unix::fs::symlink("a", directory.path().join("d")).unwrap();
        assert_eq!(size_of(directory.path()).unwrap(), 1023);
    }
}
