//! The lock that makes a supervisor the only one of its project.

use super::{Layout, ProjectLayout, StateError};
use crate::sys::{FileLock, create_private_dir_all};

/// Held by the project's supervisor for its life; the kernel releases it with the process.
#[derive(Debug)]
pub struct ProjectLock(#[expect(dead_code, reason = "held, not read")] FileLock);

impl ProjectLayout {
    /// Takes the project's lock, making its run directory when missing; `None` when another process has it.
    ///
    /// # Errors
    /// [`StateError::Io`] when the directory or file cannot be made.
    pub fn try_lock(&self) -> Result<Option<ProjectLock>, StateError> {
        loop {
            create_private_dir_all(&self.run)?;
            let Some(lock) = FileLock::try_exclusive(&self.lock())? else { return Ok(None) };
            // A supervisor that leaves removes the file it has locked: a lock on a removed file excludes nobody.
            if lock.is_of(&self.lock())? {
                return Ok(Some(ProjectLock(lock)));
            }
        }
    }
}

impl Layout {
    /// Waits for the lock under which projects choose subnets, one at a time.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn lock_networks(&self) -> Result<FileLock, StateError> {
        create_private_dir_all(self.root())?;
        Ok(FileLock::exclusive(&self.root().join("networks.lock"))?)
    }
}
