//! Files that other processes look at: whole-or-nothing writes and advisory locks.

use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, IFlags, Mode, OFlags};

/// Makes the directory `path` and the missing ones above it, mode 0700: what containers keep (setuid programs, private
/// files, passwords) is nobody else's to walk into (CVE-2021-41103, CVE-2024-25621). What exists stays as it is.
///
/// # Errors
/// The error of `mkdir(2)`, with the path.
pub fn create_private_dir_all(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| io::Error::new(error.kind(), format!("cannot make directory `{}`: {error}", path.display())))
}

/// Makes the directory `path`, one of many that come and go together, as [`create_private_dir_all`] does. The directory that
/// holds them, when it is made here, is marked so that ext4 puts each of them into a block group of its own.
///
/// ext4 gives nobody the inode of a file that was removed in the last minutes, and looks for another one file by file: with
/// fifty containers in one group that were just removed, fifty new ones took three times as long.
///
/// # Errors
/// The error of `mkdir(2)`, with the path.
pub fn create_one_of_many(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent().filter(|parent| !parent.exists()) {
        create_private_dir_all(parent)?;
        // Other file systems know no such mark, and need none.
        let _ = mark_as_top(parent);
    }
    create_private_dir_all(path)
}

fn mark_as_top(directory: &Path) -> io::Result<()> {
    let directory = fs_err::File::open(directory)?;
    let flags = rustix::fs::ioctl_getflags(&directory)?;
    Ok(rustix::fs::ioctl_setflags(&directory, flags | IFlags::TOPDIR)?)
}

/// Writes `bytes` to `path` so that a reader sees the old content or the new, never a part: a temporary file in the
/// same directory, mode 0600, renamed over `path`.
///
/// Nothing is synced: a power cut may bring the old content back, but not a mixture.
///
/// # Errors
/// Whatever creating, writing or renaming the file answers, with the path.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = temporary_beside(path)?;
    let written = write_new(&temporary, bytes).and_then(|()| fs_err::rename(&temporary, path));
    if written.is_err() {
        // The error that led here is the one to report; a leftover is only litter.
        let _ = fs_err::remove_file(&temporary);
    }
    written
}

/// The path by which another process of this user opens what `fd` refers to, for as long as that is open here.
#[must_use]
pub fn path_of(fd: impl AsFd) -> PathBuf {
    let pid = rustix::process::getpid().as_raw_pid();
    PathBuf::from(format!("/proc/{pid}/fd/{}", fd.as_fd().as_raw_fd()))
}

/// `.NAME.RANDOM.tmp` in the directory of `path`: writers of the same file, threads or processes, do not meet.
fn temporary_beside(path: &Path) -> io::Result<PathBuf> {
    let mut random = [0; 8];
    rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())?;
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().ok_or(io::ErrorKind::InvalidFilename)?);
    name.push(format!(".{}.tmp", hex::encode(random)));
    Ok(path.with_file_name(name))
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use fs_err::os::unix::fs::OpenOptionsExt;
    fs_err::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(bytes)
}

/// Opens a file to lock parts of, making it (mode 0600) when it is missing.
///
/// # Errors
/// The error of `open(2)`, with the path.
pub fn open_lock_file(path: &Path) -> io::Result<OwnedFd> {
    open(path)
}

/// Locks bytes of an open file, which need not be there, against every other open file; `false` when some of them are
/// locked. The lock ends when the last descriptor of this open file is closed, in whatever process. See `F_OFD_SETLK` in
/// `fcntl(2)`.
///
/// # Errors
/// The error of `fcntl(2)`.
pub fn try_lock_bytes(file: &OwnedFd, start: u64, length: u64) -> io::Result<bool> {
    let offset = |number: u64| libc::off_t::try_from(number).map_err(|_| io::ErrorKind::InvalidInput);
    let small = |number: libc::c_int| libc::c_short::try_from(number).expect("a small constant");
    let lock = libc::flock {
        l_type: small(libc::F_WRLCK),
        l_whence: small(libc::SEEK_SET),
        l_start: offset(start)?,
        l_len: offset(length)?,
        l_pid: 0,
    };
    match nix::fcntl::fcntl(file, nix::fcntl::FcntlArg::F_OFD_SETLK(&lock)) {
        Ok(_) => Ok(true),
        Err(nix::errno::Errno::EAGAIN | nix::errno::Errno::EACCES) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Locks a directory for as long as the descriptor is open; `None` when somebody else has it or it is gone.
///
/// # Errors
/// The error of `open(2)` or `flock(2)`.
pub fn try_lock_directory(path: &Path) -> io::Result<Option<OwnedFd>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = match rustix::fs::openat(rustix::fs::CWD, path, flags, Mode::empty()) {
        Err(rustix::io::Errno::NOENT) => return Ok(None),
        opened => opened?,
    };
    match rustix::fs::flock(&directory, FlockOperation::NonBlockingLockExclusive) {
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        locked => locked.map(|()| Some(directory)).map_err(Into::into),
    }
}

/// An advisory lock on a file, held until dropped. See `flock(2)`.
///
/// The lock belongs to the open file: two locks taken by one process exclude each other just as those of two
/// processes do. The kernel releases it when the process dies.
#[derive(Debug)]
pub struct FileLock {
    file: OwnedFd,
}

impl FileLock {
    /// Waits for the lock that nobody else may hold, creating the file (mode 0600) when it is missing.
    ///
    /// # Errors
    /// The error of `open(2)` or `flock(2)`, with the path.
    pub fn exclusive(path: &Path) -> io::Result<Self> {
        let file = open(path)?;
        loop {
            match rustix::fs::flock(&file, FlockOperation::LockExclusive) {
                Ok(()) => return Ok(Self { file }),
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(named(path, errno)),
            }
        }
    }

    /// Waits for the lock that others may hold as well, but none alone, creating the file (mode 0600) when it is missing.
    ///
    /// # Errors
    /// The error of `open(2)` or `flock(2)`, with the path.
    pub fn shared(path: &Path) -> io::Result<Self> {
        let file = open(path)?;
        loop {
            match rustix::fs::flock(&file, FlockOperation::LockShared) {
                Ok(()) => return Ok(Self { file }),
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(named(path, errno)),
            }
        }
    }

    /// Takes the lock that nobody else may hold, or answers `None` at once when somebody does.
    ///
    /// # Errors
    /// The error of `open(2)` or `flock(2)`, with the path.
    pub fn try_exclusive(path: &Path) -> io::Result<Option<Self>> {
        let file = open(path)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Self { file })),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(errno) => Err(named(path, errno)),
        }
    }

    /// Whether the file that is locked is the one at `path` now; not when it has been removed since it was opened.
    ///
    /// # Errors
    /// The error of `stat(2)`, with the path.
    pub fn is_of(&self, path: &Path) -> io::Result<bool> {
        let locked = rustix::fs::fstat(&self.file).map_err(|errno| named(path, errno))?;
        match rustix::fs::stat(path) {
            Ok(there) => Ok((locked.st_dev, locked.st_ino) == (there.st_dev, there.st_ino)),
            Err(rustix::io::Errno::NOENT) => Ok(false),
            Err(errno) => Err(named(path, errno)),
        }
    }
}

fn open(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR).map_err(|errno| named(path, errno))
}

fn named(path: &Path, errno: rustix::io::Errno) -> io::Error {
    let error = io::Error::from(errno);
    io::Error::new(error.kind(), format!("cannot lock `{}`: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_are_spread_where_the_file_system_can() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let (first, second) = (directory.path().join("all/first"), directory.path().join("all/second"));
        create_one_of_many(&first).unwrap();
        create_one_of_many(&second).unwrap();
        let flags = |path: &Path| rustix::fs::ioctl_getflags(fs_err::File::open(path).unwrap());
        // What has no such flags, as tmpfs of old, has nothing to show.
        if let Ok(before) = flags(directory.path())
            && rustix::fs::ioctl_setflags(fs_err::File::open(directory.path()).unwrap(), before | IFlags::TOPDIR)
                .is_ok()
        {
            assert!(flags(first.parent().unwrap()).unwrap().contains(IFlags::TOPDIR));
            assert!(!flags(&first).unwrap().contains(IFlags::TOPDIR), "what is in each stays together");
        }
        for path in [first.parent().unwrap(), &first, &second] {
            assert_eq!(fs_err::metadata(path).unwrap().permissions().mode() & 0o777, 0o700);
        }
    }

    #[test]
    fn an_atomic_write_replaces_and_leaves_no_temporary_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("record.json");
        write_atomic(&path, b"one").unwrap();
        write_atomic(&path, b"two").unwrap();
        assert_eq!(fs_err::read(&path).unwrap(), b"two");
        assert_eq!(fs_err::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_write_that_fails_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("taken");
        fs_err::create_dir(&path).unwrap();
        assert!(write_atomic(&path, b"text").is_err());
        assert_eq!(fs_err::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_lock_excludes_until_dropped() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        let lock = FileLock::exclusive(&path).unwrap();
        assert!(FileLock::try_exclusive(&path).unwrap().is_none());
        drop(lock);
        assert!(FileLock::try_exclusive(&path).unwrap().is_some());
    }
}
