//! Where layers are made: directories of the store that go with whoever made them, or are found and removed by the next.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, mkdir};

use super::digest::Digest;
use super::store::{Store, StoreError};
use crate::sys::{random, try_lock_directory};

/// What the name of each begins with.
const PREFIX: &str = "work-";

/// A directory to work in, on the file system of the layers: removed when dropped. Whoever uses it holds a lock of it, so
/// that one that was left behind is known by not being locked.
#[derive(Debug)]
pub struct Workplace {
    path: PathBuf,
    _lock: OwnedFd,
}

impl Workplace {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        // Whatever stays is removed with those that were left behind.
        let _ = fs_err::remove_dir_all(&self.path);
    }
}

impl Store {
    /// Makes an empty directory (mode 0700) to work in.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn make_workplace(&self) -> Result<Workplace, StoreError> {
        loop {
            let path = self.staging().join(format!("{PREFIX}{}", random::hex(8)));
            mkdir(&path, Mode::RWXU).map_err(|error| self.io(error.into()))?;
            // Somebody who clears up may have taken it for one that was left behind.
            match try_lock_directory(&path).map_err(|error| self.io(error))? {
                Some(lock) if path.exists() => return Ok(Workplace { path, _lock: lock }),
                _ => {}
            }
        }
    }

    /// Removes the directories whose users have been killed. What cannot be removed is left.
    pub fn clear_abandoned(&self) {
        for entry in fs_err::read_dir(self.staging()).into_iter().flatten().flatten() {
            let is_workplace = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
            if is_workplace && let Ok(Some(_lock)) = try_lock_directory(&entry.path()) {
                let _ = fs_err::remove_dir_all(entry.path());
            }
        }
    }

    /// The directory of a layer, if it is there.
    #[must_use]
    pub fn layer(&self, diff_id: Digest) -> Option<PathBuf> {
        Some(self.layer_path(diff_id)).filter(|path| path.is_dir())
    }

    /// Makes `directory`, which is in a [`Workplace`] of this store, the layer that it is. One that is there already stays,
    /// and `directory` is left as it is. Returns where the layer is.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn add_layer(&self, directory: &Path, diff_id: Digest) -> Result<PathBuf, StoreError> {
        let path = self.layer_path(diff_id);
        if !self.has_layer(diff_id) {
            let _lock = self.lock_layer(diff_id)?;
            if !self.has_layer(diff_id) {
                fs_err::rename(directory, &path).map_err(|error| self.io(error))?;
            }
        }
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_works_in_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        let used = store.make_workplace().unwrap();
        let left = store.staging().join("work-0");
        fs_err::create_dir_all(left.join("upper")).unwrap();
        let foreign = store.staging().join("sha256-0");
        fs_err::create_dir(&foreign).unwrap();
        store.clear_abandoned();
        assert!(used.path().is_dir() && foreign.is_dir() && !left.exists());
        let path = used.path().to_owned();
        drop(used);
        assert!(!path.exists());
    }

    #[test]
    fn a_layer_that_is_there_stays() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        let diff_id = Digest::of(b"layer");
        assert_eq!(store.layer(diff_id), None);
        for name in ["one", "two"] {
            let workplace = store.make_workplace().unwrap();
            let upper = workplace.path().join("upper");
            fs_err::create_dir(&upper).unwrap();
            fs_err::write(upper.join(name), "").unwrap();
            let layer = store.add_layer(&upper, diff_id).unwrap();
            assert_eq!(store.layer(diff_id), Some(layer.clone()));
            assert!(layer.join("one").exists() && !layer.join("two").exists());
        }
    }
}
