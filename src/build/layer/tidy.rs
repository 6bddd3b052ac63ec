//! What is done to the files of a layer before it is one: sockets are removed, times are clamped, bytes are counted.

use std::collections::HashSet;
use std::ffi::{CStr, OsStr};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, Timespec, Timestamps, UTIME_OMIT};

use super::WorkspaceError;

/// Puts the directory `root` in order, itself excepted: nothing in it was changed after `epoch`, in seconds since 1970, if
/// that is given. Returns how many bytes its files hold.
pub(super) fn tidy(root: &OwnedFd, epoch: Option<i64>) -> Result<u64, WorkspaceError> {
    let mut tidy = Tidy { epoch, size: 0, seen: HashSet::new() };
    tidy.below(root.as_fd(), Path::new(""))?;
    Ok(tidy.size)
}

struct Tidy {
    epoch: Option<i64>,
    size: u64,
    /// Files of several names that have been counted.
    seen: HashSet<u64>,
}

impl Tidy {
    fn below(&mut self, directory: BorrowedFd<'_>, path: &Path) -> Result<(), WorkspaceError> {
        let failed = |source: io::Error| WorkspaceError::Tidy { path: path.to_owned(), source };
        let listed = Dir::read_from(directory).map_err(|error| failed(error.into()))?;
        for entry in listed {
            let entry = entry.map_err(|error| failed(error.into()))?;
            let name = entry.file_name();
            if name != c"." && name != c".." {
                let path = path.join(OsStr::from_bytes(name.to_bytes()));
                self.entry(directory, name, &path)?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, directory: BorrowedFd<'_>, name: &CStr, path: &Path) -> Result<(), WorkspaceError> {
        let failed = |error: rustix::io::Errno| WorkspaceError::Tidy { path: path.to_owned(), source: error.into() };
        let status = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).map_err(failed)?;
        match FileType::from_raw_mode(status.st_mode) {
            FileType::Directory => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let child = rustix::fs::openat(directory, name, flags, Mode::empty()).map_err(failed)?;
                self.below(child.as_fd(), path)?;
                // Removing a socket has changed it.
                let now = rustix::fs::fstat(&child).map_err(failed)?;
                if modified(&now) != modified(&status) {
                    set_modified(directory, name, modified(&status)).map_err(failed)?;
                }
            }
            FileType::Socket => return rustix::fs::unlinkat(directory, name, AtFlags::empty()).map_err(failed),
            FileType::RegularFile if status.st_nlink == 1 || self.seen.insert(status.st_ino) => {
                self.size += u64::try_from(status.st_size).unwrap_or_default();
            }
            // Says that something is gone, and may be the same one in many places and layers.
            FileType::CharacterDevice if status.st_rdev == 0 => return Ok(()),
            _ => {}
        }
        match self.epoch.map(|epoch| Timespec { tv_sec: epoch, tv_nsec: 0 }) {
            Some(epoch) if modified(&status) > epoch => set_modified(directory, name, epoch).map_err(failed),
            _ => Ok(()),
        }
    }
}

fn modified(status: &Stat) -> Timespec {
    Timespec { tv_sec: status.st_mtime, tv_nsec: i64::try_from(status.st_mtime_nsec).unwrap_or_default() }
}

fn set_modified(directory: BorrowedFd<'_>, name: &CStr, time: Timespec) -> rustix::io::Result<()> {
    let last_access = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
    let times = Timestamps { last_access, last_modification: time };
    rustix::fs::utimensat(directory, name, &times, AtFlags::SYMLINK_NOFOLLOW)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, symlink};

    use super::*;

    #[test]
    fn a_tree() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        fs_err::create_dir(root.join("d")).unwrap();
        fs_err::write(root.join("d/file"), "12345").unwrap();
        fs_err::hard_link(root.join("d/file"), root.join("link")).unwrap();
        symlink("d", root.join("symlink")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(root.join("d/socket")).unwrap();
        let old = root.join("old");
        fs_err::write(&old, "x").unwrap();
        std::fs::File::options().write(true).open(&old).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
        let before = root.join("d").metadata().unwrap();

        let open = || OwnedFd::from(std::fs::File::open(root).unwrap());
        assert_eq!(tidy(&open(), None).unwrap(), 6);
        assert!(!root.join("d/socket").exists());
        let after = root.join("d").metadata().unwrap();
        assert_eq!((before.mtime(), before.mtime_nsec()), (after.mtime(), after.mtime_nsec()));

        assert_eq!(tidy(&open(), Some(1000)).unwrap(), 6);
        let times = ["d", "d/file", "link", "symlink", "old"].map(|name| {
            let status = root.join(name).symlink_metadata().unwrap();
            (status.mtime(), status.mtime_nsec())
        });
        assert_eq!(times, [(1000, 0), (1000, 0), (1000, 0), (1000, 0), (0, 0)]);
    }
}
