//! `tmpcopyup`: a new file system that begins with a copy of what it covers.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, Timespec, Timestamps};

/// Deeper than any tree that people make; less than what exhausts descriptors.
const MAX_DEPTH: usize = 128;

/// Copies everything in the directory `from` into the directory `to`: names, contents, owners, modes and times.
pub(super) fn copy(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> io::Result<()> {
    copy_level(from, to, 0)
}

fn copy_level(from: BorrowedFd<'_>, to: BorrowedFd<'_>, depth: usize) -> io::Result<()> {
    if depth == MAX_DEPTH {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "its directories are nested too deeply"));
    }
    for entry in Dir::read_from(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let status = rustix::fs::statat(from, name, AtFlags::SYMLINK_NOFOLLOW)?;
        match FileType::from_raw_mode(status.st_mode) {
            FileType::Directory => {
                rustix::fs::mkdirat(to, name, Mode::RWXU)?;
                let (from, to) = (open(from, name, OFlags::DIRECTORY)?, open(to, name, OFlags::DIRECTORY)?);
                copy_level(from.as_fd(), to.as_fd(), depth + 1)?;
            }
            FileType::Symlink => {
                rustix::fs::symlinkat(rustix::fs::readlinkat(from, name, Vec::new())?, to, name)?;
            }
            FileType::RegularFile => copy_file(from, to, name)?,
            kind => rustix::fs::mknodat(to, name, kind, Mode::RUSR, status.st_rdev)?,
        }
        dress(to, name, &status)?;
    }
    Ok(())
}

fn open(directory: BorrowedFd<'_>, name: &CStr, flags: OFlags) -> io::Result<OwnedFd> {
    let flags = flags | OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(directory, name, flags, Mode::empty())?)
}

fn copy_file(from: BorrowedFd<'_>, to: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
    let source = open(from, name, OFlags::NONBLOCK)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let target = rustix::fs::openat(to, name, flags, Mode::RUSR | Mode::WUSR)?;
    let (mut source, mut target) =
        (fs_err::File::from_parts(source.into(), "source"), fs_err::File::from_parts(target.into(), "copy"));
    io::copy(&mut source, &mut target)?;
    Ok(())
}

/// Gives `name` the owner, mode and times of `status`. The owner first, since a change of it takes setuid away.
fn dress(directory: BorrowedFd<'_>, name: &CStr, status: &Stat) -> io::Result<()> {
    use rustix::fs::{Gid, Uid};
    let owner = (Uid::from_raw(status.st_uid), Gid::from_raw(status.st_gid));
    rustix::fs::chownat(directory, name, Some(owner.0), Some(owner.1), AtFlags::SYMLINK_NOFOLLOW)?;
    if FileType::from_raw_mode(status.st_mode) != FileType::Symlink {
        // Nobody else has this file system yet, so that the name cannot have become a symlink.
        rustix::fs::chmodat(directory, name, Mode::from_raw_mode(status.st_mode), AtFlags::empty())?;
    }
    let time = |seconds: i64, nanoseconds: u64| Timespec {
        tv_sec: seconds,
        tv_nsec: i64::try_from(nanoseconds).unwrap_or_default(),
    };
    let times = Timestamps {
        last_access: time(status.st_atime, status.st_atime_nsec),
        last_modification: time(status.st_mtime, status.st_mtime_nsec),
    };
    Ok(rustix::fs::utimensat(directory, name, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;
    use crate::sys::RootDir;

    #[test]
    fn a_tree() {
        let directory = tempfile::tempdir().unwrap();
        let (from, to) = (directory.path().join("from"), directory.path().join("to"));
        fs_err::create_dir_all(from.join("a/b")).unwrap();
        fs_err::create_dir(&to).unwrap();
        fs_err::write(from.join("a/file"), "content").unwrap();
        fs_err::set_permissions(from.join("a/file"), std::fs::Permissions::from_mode(0o4750)).unwrap();
        symlink("/nowhere", from.join("a/b/link")).unwrap();
        let (source, target) = (RootDir::open(&from).unwrap(), RootDir::open(&to).unwrap());
        copy(source.as_fd(), target.as_fd()).unwrap();
        assert_eq!(fs_err::read_to_string(to.join("a/file")).unwrap(), "content");
        let (before, after) = (from.join("a/file").metadata().unwrap(), to.join("a/file").metadata().unwrap());
        assert_eq!((after.mode(), after.mtime_nsec()), (before.mode(), before.mtime_nsec()));
        assert_eq!(fs_err::read_link(to.join("a/b/link")).unwrap().to_str(), Some("/nowhere"));
    }
}
