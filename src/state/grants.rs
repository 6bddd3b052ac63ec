//! What configs and secrets have in them: on a tmpfs of the project's own, since the run directory may be on a disk. It is
//! mounted when the first container has any, stays while supervisors come and go, and is gone after a boot.

use std::io;
use std::os::unix::fs::MetadataExt as _;

use fs_err as fs;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use super::{ProjectLayout, StateError};
use crate::sys::create_private_dir_all;

impl ProjectLayout {
    /// Sees to it that what is written to the grants of containers gets onto no disk.
    ///
    /// # Errors
    /// [`StateError::Io`] when it cannot be mounted.
    pub fn open_grants(&self) -> Result<(), StateError> {
        let path = self.grants();
        create_private_dir_all(&path)?;
        if !self.grants_are_mounted()? {
            // Not `noexec`: a script may be given to containers as a config.
            let flags = MountFlags::NOSUID | MountFlags::NODEV;
            mount("tmpfs", &path, "tmpfs", flags, Some(c"mode=0700")).map_err(|errno| {
                let error = io::Error::from(errno);
                io::Error::new(error.kind(), format!("cannot mount a tmpfs on `{}`: {error}", path.display()))
            })?;
        }
        Ok(())
    }

    /// Removes what [`Self::open_grants`] made; absent is fine.
    pub(super) fn close_grants(&self) -> Result<(), StateError> {
        let path = self.grants();
        if !path.exists() {
            return Ok(());
        }
        if self.grants_are_mounted()? {
            // Lazily: whoever looks at it from outside does not keep it.
            unmount(&path, UnmountFlags::DETACH).map_err(io::Error::from)?;
        }
        Ok(fs::remove_dir_all(path)?)
    }

    fn grants_are_mounted(&self) -> Result<bool, StateError> {
        Ok(fs::metadata(self.grants())?.dev() != fs::metadata(&self.run)?.dev())
    }
}
