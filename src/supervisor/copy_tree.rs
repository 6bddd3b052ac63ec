//! Copies what an image has at a path into a new volume: content, owners, modes, times, extended attributes.
//!
//! Both sides are walked by directory file descriptors, never by joined paths: an image's symbolic link leads nowhere.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{
    self, AtFlags, CWD, Dir, FileType, Mode, OFlags, RenameFlags, Stat, Timespec, Timestamps, XattrFlags,
};

use crate::sys::RootDir;

/// Deeper than any sane tree, shallower than the stack.
const MAX_DEPTH: u32 = 512;

/// Copies the directory at `path` of `root` into the existing directory `target`, which takes its owner and mode too.
/// No such directory: nothing to do.
///
/// # Errors
/// The first call that failed.
pub(super) fn copy_tree(root: &RootDir, path: &str, target: &Path) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let source = match root.open_at(Path::new(path), flags) {
        Ok(source) => source,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(()),
        Err(error) => return Err(error),
    };
    let target = fs::openat(CWD, target, flags, Mode::empty())?;
    copy_directory(&source, &target, 0)
}

/// Moves what is in the directory `from` into `to` on the same file system, which gets its owner, mode and times too; what
/// `to` has already stays. `from` is gone then.
///
/// # Errors
/// The first call that failed.
pub(super) fn move_in(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs_err::read_dir(from)? {
        let entry = entry?;
        match fs::renameat_with(CWD, entry.path(), CWD, to.join(entry.file_name()), RenameFlags::NOREPLACE) {
            Err(rustix::io::Errno::EXIST) => {}
            result => result?,
        }
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let (source, target) = (fs::openat(CWD, from, flags, Mode::empty())?, fs::openat(CWD, to, flags, Mode::empty())?);
    copy_metadata(&source, &target, &fs::fstat(&source)?)?;
    fs_err::remove_dir_all(from)
}

fn copy_directory(source: &OwnedFd, target: &OwnedFd, depth: u32) -> io::Result<()> {
    if depth > MAX_DEPTH {
        return Err(io::Error::other("directories are nested too deeply"));
    }
    for entry in Dir::read_from(source)? {
        let entry = entry?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            copy_entry(source.as_fd(), target.as_fd(), name, depth)?;
        }
    }
    // Last: filling a directory changes its time.
    copy_metadata(source, target, &fs::fstat(source)?)
}

fn copy_entry(source: BorrowedFd<'_>, target: BorrowedFd<'_>, name: &CStr, depth: u32) -> io::Result<()> {
    let stat = fs::statat(source, name, AtFlags::SYMLINK_NOFOLLOW)?;
    let nofollow = OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | nofollow;
            fs::mkdirat(target, name, Mode::RWXU)?;
            let from = fs::openat(source, name, flags, Mode::empty())?;
            let to = fs::openat(target, name, flags, Mode::empty())?;
            copy_directory(&from, &to, depth + 1)
        }
        FileType::RegularFile => {
            let from = fs::openat(source, name, OFlags::RDONLY | nofollow, Mode::empty())?;
            let to = fs::openat(target, name, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | nofollow, Mode::RUSR)?;
            io::copy(&mut std::fs::File::from(from.try_clone()?), &mut std::fs::File::from(to.try_clone()?))?;
            copy_metadata(&from, &to, &stat)
        }
        FileType::Symlink => {
            fs::symlinkat(&*fs::readlinkat(source, name, Vec::new())?, target, name)?;
            chown(target, name, &stat)
        }
        kind => {
            fs::mknodat(target, name, kind, Mode::from_raw_mode(stat.st_mode), stat.st_rdev)?;
            chown(target, name, &stat)
        }
    }
}

fn chown(directory: BorrowedFd<'_>, name: &CStr, stat: &Stat) -> io::Result<()> {
    let (uid, gid) = (fs::Uid::from_raw(stat.st_uid), fs::Gid::from_raw(stat.st_gid));
    Ok(fs::chownat(directory, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?)
}

fn copy_metadata(source: &OwnedFd, target: &OwnedFd, stat: &Stat) -> io::Result<()> {
    let (uid, gid) = (fs::Uid::from_raw(stat.st_uid), fs::Gid::from_raw(stat.st_gid));
    // The owner first: a change of owner clears set-user-id bits and capabilities.
    fs::fchown(target, Some(uid), Some(gid))?;
    fs::fchmod(target, Mode::from_raw_mode(stat.st_mode))?;
    copy_xattrs(source, target)?;
    let time = |seconds: i64, nanoseconds| Timespec { tv_sec: seconds, tv_nsec: nanoseconds };
    let timestamps = Timestamps {
        last_access: time(stat.st_atime, stat.st_atime_nsec.cast_signed()),
        last_modification: time(stat.st_mtime, stat.st_mtime_nsec.cast_signed()),
    };
    Ok(fs::futimens(target, &timestamps)?)
}

fn copy_xattrs(source: &OwnedFd, target: &OwnedFd) -> io::Result<()> {
    // The kernel's limits of a list of names and of a value, both 64 KiB (xattr(7)).
    let mut names = vec![0; 65536];
    let length = match fs::flistxattr(source, &mut names) {
        Ok(length) => length,
        Err(rustix::io::Errno::NOTSUP) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let mut value = Vec::new();
    for name in names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        // The overlay's own notes on a layer mean nothing in a volume.
        if name.starts_with(b"trusted.overlay.") {
            continue;
        }
        value.resize(65536, 0);
        let length = fs::fgetxattr(source, name, &mut value)?;
        fs::fsetxattr(target, name, &value[..length], XattrFlags::empty())?;
    }
    Ok(())
}
