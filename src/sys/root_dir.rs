//! A directory as a root: paths below it are resolved by the kernel so that none can lead outside.
//!
//! Every operation resolves the *parent* of its path with `openat2(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)`, so that
//! symlinks on the way, `..` and absolute targets included, stay below the root, and then acts on the last component
//! by name, which it never follows. A path may be absolute or relative: both start at the root.

mod mountpoint;
mod removal;

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, ResolveFlags, Stat, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;

/// The owner of a file: ids as the filesystem holds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

/// A directory that is the root of every path given to its methods.
#[derive(Debug)]
pub struct RootDir {
    fd: OwnedFd,
}

/// How often a lookup that a concurrent rename disturbed is tried again (`EAGAIN`, see `openat2(2)`).
const LOOKUP_ATTEMPTS: usize = 64;

impl RootDir {
    /// Opens `directory`, following symlinks as usual.
    ///
    /// # Errors
    /// The error of `open(2)`.
    pub fn open(directory: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { fd: rustix::fs::open(directory, flags, Mode::empty())? })
    }

    /// Opens `path`, following a symlink in its last component too, inside the root.
    /// `O_CLOEXEC` is always added.
    ///
    /// # Errors
    /// The error of `openat2(2)`.
    pub fn open_at(&self, path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
        Ok(self.resolve(path, flags)?)
    }

    fn resolve(&self, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
        self.resolve_with(path, flags, ResolveFlags::empty())
    }

    fn resolve_with(&self, path: &Path, flags: OFlags, further: ResolveFlags) -> Result<OwnedFd, Errno> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS | further;
        for _ in 1..LOOKUP_ATTEMPTS {
            match rustix::fs::openat2(&self.fd, path, flags | OFlags::CLOEXEC, Mode::empty(), resolve) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                answer => return answer,
            }
        }
        Err(Errno::AGAIN)
    }

    /// The directory that holds `path`, and the name of `path` in it.
    fn parent<'p>(&self, path: &'p Path) -> io::Result<(OwnedFd, &'p OsStr)> {
        // `file_name` has no answer for the root itself and for `..`: both are no entry that could be made.
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let parent = path.parent().unwrap_or(Path::new(""));
        Ok((self.resolve(parent, OFlags::PATH | OFlags::DIRECTORY)?, name))
    }

    /// Makes the directory `path` and the missing ones above it, with exactly `mode` whatever the umask. What exists
    /// stays as it is, symlinks to directories included.
    ///
    /// # Errors
    /// `NotADirectory` when something else is in the way, `AlreadyExists` for a dangling symlink; else the kernel's.
    pub fn mkdir_all(&self, path: &Path, mode: u32) -> io::Result<()> {
        let directory = OFlags::PATH | OFlags::DIRECTORY;
        match self.resolve(path, directory) {
            Err(Errno::NOENT) => {}
            answer => return Ok(answer.map(drop)?),
        }
        if let Some(parent) = path.parent() {
            self.mkdir_all(parent, mode)?;
        }
        if path.file_name().is_none() {
            // `a/..` is there once `a` is.
            return Ok(self.resolve(path, directory).map(drop)?);
        }
        let (parent, name) = self.parent(path)?;
        match rustix::fs::mkdirat(&parent, name, Mode::from_raw_mode(mode)) {
            // Either somebody else made it meanwhile, or it is a dangling symlink, which has no directory behind it.
            Err(Errno::EXIST) if self.resolve(path, directory).is_ok() => Ok(()),
            Err(errno) => Err(errno.into()),
            Ok(()) => self.chmod(path, mode),
        }
    }

    /// Makes the directory `path`, with `mode` less the umask, whose parent exists.
    ///
    /// # Errors
    /// `AlreadyExists`, or the error of `mkdirat(2)`.
    pub fn mkdir(&self, path: &Path, mode: u32) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        Ok(rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(mode))?)
    }

    /// Makes the regular file `path`, which must not exist, with `mode` less the umask, and opens it for writing.
    ///
    /// # Errors
    /// `AlreadyExists`, or the error of `openat(2)`.
    pub fn create_file(&self, path: &Path, mode: u32) -> io::Result<OwnedFd> {
        let (parent, name) = self.parent(path)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(parent, name, flags, Mode::from_raw_mode(mode))?)
    }

    /// Makes `path` a symlink to `target`, which is stored as it is.
    ///
    /// # Errors
    /// `AlreadyExists`, or the error of `symlinkat(2)`.
    pub fn symlink(&self, target: &Path, path: &Path) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        Ok(rustix::fs::symlinkat(target, parent, name)?)
    }

    /// Makes `path` another name of `original`; a symlink is linked itself, not what it names.
    ///
    /// # Errors
    /// `NotFound`, `AlreadyExists`, or the error of `linkat(2)`.
    pub fn hardlink(&self, original: &Path, path: &Path) -> io::Result<()> {
        let (from, original) = self.parent(original)?;
        let (parent, name) = self.parent(path)?;
        Ok(rustix::fs::linkat(from, original, parent, name, AtFlags::empty())?)
    }

    /// Puts what is at `from` at `to`, in place of what is there.
    ///
    /// # Errors
    /// The error of `renameat(2)`: `ResourceBusy` when something is mounted there.
    pub fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (old_parent, old) = self.parent(from)?;
        let (new_parent, new) = self.parent(to)?;
        Ok(rustix::fs::renameat(old_parent, old, new_parent, new)?)
    }

    /// Makes a device node, fifo or socket; `major` and `minor` matter for devices only.
    ///
    /// # Errors
    /// `AlreadyExists`, or the error of `mknodat(2)`.
    pub fn mknod(&self, path: &Path, kind: FileType, mode: u32, major: u32, minor: u32) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        let device = rustix::fs::makedev(major, minor);
        Ok(rustix::fs::mknodat(parent, name, kind, Mode::from_raw_mode(mode), device)?)
    }

    /// The status of `path` itself, not of what a symlink names; `None` when there is nothing.
    ///
    /// # Errors
    /// The error of `openat2(2)` or `fstatat(2)`.
    pub fn stat(&self, path: &Path) -> io::Result<Option<Stat>> {
        if is_root(path) {
            return Ok(Some(rustix::fs::fstat(&self.fd)?));
        }
        let (parent, name) = self.parent(path)?;
        match rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Removes `path`, with everything below it when it is a directory. Nothing there is fine.
    ///
    /// # Errors
    /// The error of `unlinkat(2)` or of reading a directory.
    pub fn remove_all(&self, path: &Path) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        remove_all_at(parent.as_fd(), name)
    }

    /// Sets the owner of `path` itself. The kernel then clears setuid, setgid and file capabilities.
    ///
    /// # Errors
    /// The error of `fchownat(2)`.
    pub fn chown(&self, path: &Path, owner: Owner) -> io::Result<()> {
        let (parent, name) = self.entry(path)?;
        let (uid, gid) = (Uid::from_raw(owner.uid), Gid::from_raw(owner.gid));
        Ok(rustix::fs::chownat(parent, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?)
    }

    /// Sets the permission bits of `path` itself, setuid, setgid and sticky included.
    ///
    /// # Errors
    /// `InvalidInput` for a symlink, which has none; else the kernel's.
    pub fn chmod(&self, path: &Path, mode: u32) -> io::Result<()> {
        let fd = self.open_itself(path)?;
        if FileType::from_raw_mode(rustix::fs::fstat(&fd)?.st_mode) == FileType::Symlink {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        // `fchmod` refuses an `O_PATH` descriptor, and `fchmodat` without following needs Linux 6.6; the magic link
        // leads to exactly the file that was checked above.
        Ok(rustix::fs::chmod(magic_link(&fd), Mode::from_raw_mode(mode))?)
    }

    /// Sets the modification time of `path` itself, and the access time to the same.
    ///
    /// # Errors
    /// The error of `utimensat(2)`.
    pub fn utimens(&self, path: &Path, modified: Timespec) -> io::Result<()> {
        let (parent, name) = self.entry(path)?;
        let times = Timestamps { last_access: modified, last_modification: modified };
        Ok(rustix::fs::utimensat(parent, name, &times, AtFlags::SYMLINK_NOFOLLOW)?)
    }

    /// Sets an extended attribute of `path` itself.
    ///
    /// # Errors
    /// The error of `setxattr(2)`.
    pub fn setxattr(&self, path: &Path, name: &OsStr, value: &[u8]) -> io::Result<()> {
        let fd = self.open_itself(path)?;
        Ok(rustix::fs::setxattr(magic_link(&fd), name, value, XattrFlags::empty())?)
    }

    /// A descriptor (`O_PATH`) of `path` itself, be it a symlink.
    ///
    /// # Errors
    /// The error of `openat2(2)` or `openat(2)`.
    pub fn open_itself(&self, path: &Path) -> io::Result<OwnedFd> {
        let (parent, name) = self.entry(path)?;
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(parent, name, flags, Mode::empty())?)
    }

    /// As [`Self::parent`], but takes the root itself too, as `.` in itself.
    fn entry<'p>(&self, path: &'p Path) -> io::Result<(OwnedFd, &'p OsStr)> {
        if is_root(path) { Ok((self.fd.try_clone()?, OsStr::new("."))) } else { self.parent(path) }
    }
}

impl From<OwnedFd> for RootDir {
    /// Takes the descriptor of a directory.
    fn from(fd: OwnedFd) -> Self {
        Self { fd }
    }
}

impl AsFd for RootDir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn is_root(path: &Path) -> bool {
    path.components().all(|component| matches!(component, Component::RootDir | Component::CurDir))
}

fn magic_link(fd: &OwnedFd) -> String {
    use std::os::fd::AsRawFd;
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}

/// Opens what a descriptor (`O_PATH`) is of, and nothing else, with other flags; `O_CLOEXEC` is always added.
///
/// # Errors
/// The error of `open(2)`; a symlink cannot be opened.
pub fn reopen(fd: &OwnedFd, flags: OFlags) -> io::Result<OwnedFd> {
    Ok(rustix::fs::open(magic_link(fd), flags | OFlags::CLOEXEC, Mode::empty())?)
}

fn remove_all_at(parent: BorrowedFd<'_>, name: &OsStr) -> io::Result<()> {
    match rustix::fs::unlinkat(parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        Err(Errno::ISDIR) => {}
        Err(errno) => return Err(errno.into()),
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = rustix::fs::openat(parent, name, flags, Mode::empty())?;
    for entry in rustix::fs::Dir::read_from(&directory)? {
        let entry = entry?;
        let child = entry.file_name().to_bytes();
        if child != b"." && child != b".." {
            remove_all_at(directory.as_fd(), OsStr::from_bytes(child))?;
        }
    }
    Ok(rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    /// A directory with `root/` to work in, a secret beside it, and symlinks in `root/` that try to lead there.
    fn jail() -> (tempfile::TempDir, RootDir) {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("root");
        fs_err::create_dir(&root).unwrap();
        fs_err::create_dir(directory.path().join("outside")).unwrap();
        fs_err::write(directory.path().join("outside/secret"), "secret").unwrap();
        symlink("../outside", root.join("up")).unwrap();
        symlink(directory.path().join("outside"), root.join("absolute")).unwrap();
        symlink("/proc/self/root", root.join("magic")).unwrap();
        let jail = RootDir::open(&root).unwrap();
        (directory, jail)
    }

    #[test]
    fn no_operation_leads_outside() {
        let (directory, root) = jail();
        for way in ["up", "absolute", "../outside", "magic/tmp"] {
            let path = Path::new(way).join("made");
            let secret = Path::new(way).join("secret");
            assert!(root.open_at(&secret, OFlags::RDONLY).is_err(), "{way}");
            assert!(root.create_file(&path, 0o644).is_err(), "{way}");
            assert!(root.mkdir(&path, 0o755).is_err(), "{way}");
            assert!(root.symlink(Path::new("x"), &path).is_err(), "{way}");
            assert!(root.mknod(&path, FileType::Fifo, 0o644, 0, 0).is_err(), "{way}");
            assert!(root.hardlink(&secret, Path::new("linked")).is_err(), "{way}");
            assert!(root.chmod(&secret, 0o777).is_err(), "{way}");
            assert!(root.chown(&secret, Owner { uid: 1, gid: 1 }).is_err(), "{way}");
            assert!(root.remove_all(&secret).is_err(), "{way}");
        }
        assert_eq!(fs_err::read_dir(directory.path().join("outside")).unwrap().count(), 1);
    }

    #[test]
    fn directories_are_made_inside_only() {
        let (directory, root) = jail();
        root.mkdir_all(Path::new("a/b/../c"), 0o755).unwrap();
        assert!(directory.path().join("root/a/c").is_dir());
        // Absolute and climbing symlinks mean a place below the root, which is not there: the link dangles.
        assert!(root.mkdir_all(Path::new("up/new"), 0o755).is_err());
        assert!(root.mkdir_all(Path::new("absolute/new"), 0o755).is_err());
        root.mkdir_all(Path::new("../../escaped"), 0o755).unwrap();
        assert!(directory.path().join("root/escaped").is_dir());
    }

    #[test]
    fn a_symlink_is_acted_on_itself() {
        let (directory, root) = jail();
        let secret = directory.path().join("outside/secret");
        let before = fs_err::metadata(&secret).unwrap().permissions().mode();
        symlink(&secret, directory.path().join("root/link")).unwrap();
        assert_eq!(root.chmod(Path::new("link"), 0o777).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        root.utimens(Path::new("link"), Timespec { tv_sec: 1, tv_nsec: 0 }).unwrap();
        root.remove_all(Path::new("link")).unwrap();
        assert_eq!(fs_err::metadata(&secret).unwrap().permissions().mode(), before);
        assert_eq!(fs_err::read_to_string(&secret).unwrap(), "secret");
    }

    #[test]
    fn a_tree_is_removed_without_following_its_symlinks() {
        let (directory, root) = jail();
        root.mkdir_all(Path::new("tree/deep"), 0o755).unwrap();
        root.symlink(Path::new("/"), Path::new("tree/deep/root")).unwrap();
        symlink(directory.path().join("outside"), directory.path().join("root/tree/out")).unwrap();
        root.remove_all(Path::new("tree")).unwrap();
        assert!(root.stat(Path::new("tree")).unwrap().is_none());
        assert!(directory.path().join("outside/secret").exists());
        root.remove_all(Path::new("tree")).unwrap();
    }

    #[test]
    fn permission_bits_include_setuid() {
        let (directory, root) = jail();
        drop(root.create_file(Path::new("tool"), 0o600).unwrap());
        root.chmod(Path::new("tool"), 0o4755).unwrap();
        let mode = fs_err::metadata(directory.path().join("root/tool")).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o4755);
    }
}
