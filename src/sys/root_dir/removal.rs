//! Removal that stops at mounts.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::RootDir;

impl RootDir {
    /// Removes `path` and what is below it, but nothing on another mount, and nothing that is to `stay`. Directories that are
    /// not empty then stay too. Nothing there is fine.
    ///
    /// # Errors
    /// The error of `openat2(2)`, of `unlinkat(2)` or of reading a directory.
    pub fn remove_own(&self, path: &Path, stay: &dyn Fn(&Path) -> bool) -> io::Result<()> {
        let (parent, name) = match self.parent(path) {
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(());
            }
            parent => parent?,
        };
        remove(parent.as_fd(), name, path, stay)
    }
}

fn remove(parent: BorrowedFd<'_>, name: &OsStr, path: &Path, stay: &dyn Fn(&Path) -> bool) -> io::Result<()> {
    if stay(path) {
        return Ok(());
    }
    match rustix::fs::unlinkat(parent, name, AtFlags::empty()) {
        // Busy: something is mounted on it.
        Ok(()) | Err(Errno::NOENT | Errno::BUSY) => return Ok(()),
        Err(Errno::ISDIR) => {}
        Err(errno) => return Err(errno.into()),
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::NO_XDEV | ResolveFlags::NO_SYMLINKS | ResolveFlags::BENEATH;
    let directory = match rustix::fs::openat2(parent, name, flags, Mode::empty(), resolve) {
        Err(Errno::XDEV | Errno::NOENT) => return Ok(()),
        directory => directory?,
    };
    for entry in Dir::read_from(&directory)? {
        let entry = entry?;
        let child = entry.file_name().to_bytes();
        if child != b"." && child != b".." {
            let child = OsStr::from_bytes(child);
            remove(directory.as_fd(), child, &path.join(child), stay)?;
        }
    }
    match rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST | Errno::BUSY) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn what_is_to_stay_stays() {
        let directory = tempfile::tempdir().unwrap();
        let top = directory.path().join("root");
        for path in ["a/b", "a/keep/deep", "c", "../outside"] {
            fs_err::create_dir_all(top.join(path)).unwrap();
        }
        for path in ["a/b/1", "a/keep/deep/2", "c/3", "../outside/4"] {
            fs_err::write(top.join(path), "").unwrap();
        }
        symlink("../../outside", top.join("a/out")).unwrap();
        let root = RootDir::open(&top).unwrap();
        root.remove_own(Path::new("a"), &|path| path == Path::new("a/keep")).unwrap();
        root.remove_own(Path::new("/c"), &|_| false).unwrap();
        root.remove_own(Path::new("none/none"), &|_| false).unwrap();
        root.remove_own(Path::new("../outside/4"), &|_| false).unwrap();
        let left = |path: &str| top.join(path).exists();
        assert_eq!(["a/b", "a/out", "c", "a/keep/deep/2", "../outside/4"].map(left), [false, false, false, true, true]);
    }
}
