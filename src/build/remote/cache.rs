//! Where what came over the network is kept: directories that are complete, named by what is in them.
//!
//! ```text
//! $RCOMPOSE_CACHE, $XDG_CACHE_HOME/rcompose or $HOME/.cache/rcompose
//!   git/COMMIT/          the files of a commit
//!   oci/DIGEST/          the files of an artifact
//!   web/…                what URLs gave, see `web`
//!   staging/RANDOM/      what is under way, locked by whoever is at it
//! ```
//!
//! An entry is made in `staging` and renamed into place. What a killed command left there is removed by the next one.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, flock, mkdir};
use rustix::rand::{GetRandomFlags, getrandom};

/// Why there is no place to keep a remote file.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The environment names no directory.
    #[error("there is no place to keep it: neither RCOMPOSE_CACHE nor XDG_CACHE_HOME nor HOME is set")]
    Nowhere,
    /// The kernel refused; the source names the path.
    #[error("cannot write to the cache")]
    Io(#[from] io::Error),
}

/// The cache of a user.
#[derive(Debug)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// The cache that `environment` names; nothing is made yet.
    ///
    /// # Errors
    /// [`CacheError::Nowhere`], or what says where this process is.
    pub fn of(environment: &BTreeMap<String, String>) -> Result<Self, CacheError> {
        let directory = |name: &str| environment.get(name).filter(|text| !text.is_empty()).map(Path::new);
        // What is not absolute is to be ignored, says the XDG Base Directory Specification.
        let xdg = || directory("XDG_CACHE_HOME").filter(|path| path.is_absolute()).map(|path| path.join("rcompose"));
        let home = || directory("HOME").map(|path| path.join(".cache/rcompose"));
        let root = directory("RCOMPOSE_CACHE").map(Path::to_path_buf).or_else(xdg).or_else(home);
        Ok(Self { root: std::path::absolute(root.ok_or(CacheError::Nowhere)?)? })
    }

    /// The cache that is in a directory, which need not be there.
    #[must_use]
    pub fn at(root: PathBuf) -> Self {
        Self { root }
    }

    /// Where the entry `key` of a source is, or will be.
    #[must_use]
    pub fn entry(&self, source: &str, key: &str) -> PathBuf {
        self.root.join(source).join(key)
    }

    /// A new directory to make an entry in.
    ///
    /// # Errors
    /// [`CacheError::Io`].
    pub fn stage(&self) -> Result<Staging, CacheError> {
        let directory = self.root.join("staging");
        // Env files and private repositories are nobody else's to read.
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(&directory).map_err(|error| named(error, &directory))?;
        sweep(&directory)?;
        loop {
            let mut random = [0; 8];
            getrandom(&mut random, GetRandomFlags::empty()).map_err(io::Error::from)?;
            let path = directory.join(hex::encode(random));
            mkdir(&path, Mode::RWXU).map_err(|error| named(error.into(), &path))?;
            let Ok(lock) = fs_err::File::open(&path) else { continue };
            // Another command may have swept it away before it was locked.
            if flock(lock.file(), FlockOperation::NonBlockingLockExclusive).is_ok() && path.exists() {
                return Ok(Staging { path, _lock: lock });
            }
        }
    }
}

/// Removes what nobody holds a lock on.
fn sweep(directory: &Path) -> io::Result<()> {
    for entry in fs_err::read_dir(directory)? {
        let path = entry?.path();
        let Ok(lock) = fs_err::File::open(&path) else { continue };
        if flock(lock.file(), FlockOperation::NonBlockingLockExclusive).is_ok() {
            // What cannot be removed stays: it is in nobody's way.
            let _ = fs_err::remove_dir_all(&path);
        }
    }
    Ok(())
}

fn named(error: io::Error, path: &Path) -> io::Error {
    io::Error::new(error.kind(), format!("cannot make `{}`: {error}", path.display()))
}

/// A directory that becomes an entry, or is removed when dropped.
#[derive(Debug)]
pub struct Staging {
    path: PathBuf,
    _lock: fs_err::File,
}

impl Staging {
    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the directory `made`, which is in this one, the entry at `entry`. If another command was faster, its work
    /// is as good.
    ///
    /// # Errors
    /// [`CacheError::Io`].
    pub fn commit(self, made: &Path, entry: &Path) -> Result<(), CacheError> {
        // Beside `staging`, hence as private.
        fs_err::create_dir_all(entry.parent().unwrap_or(entry))?;
        match fs_err::rename(made, entry) {
            Err(error) if !entry.is_dir() => Err(error.into()),
            _ => Ok(()),
        }
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        let _ = fs_err::remove_dir_all(&self.path);
    }
}
