//! Copies directories with all that is in them: content with its holes, owners, modes, times, extended attributes, hard
//! links, devices. Where the file system can, copies share their blocks with what they were copied from.
//!
//! Both sides are walked by directory file descriptors, never by joined paths: a symbolic link leads nowhere.

use std::collections::HashMap;
use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{
    self, AtFlags, Dir, FileType, Mode, OFlags, RenameFlags, SeekFrom, Stat, Timespec, Timestamps, XattrFlags,
};
use rustix::io::Errno;

use crate::sys::RootDir;

/// Deeper than any sane tree, shallower than the stack.
const MAX_DEPTH: u32 = 512;
/// Copied at once, between two looks at whether it is still wanted.
const PIECE: usize = 8 << 20;
/// How the overlay's own notes on a layer begin, which mean nothing in a volume.
const OF_OVERLAYS: &[&[u8]] = &[b"trusted.overlay."];
const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
const NOFOLLOW: OFlags = OFlags::NOFOLLOW.union(OFlags::CLOEXEC);

/// Copies the directory at `path` of `root` into the existing directory `target`, which takes its owner and mode too.
/// No such directory: nothing to do.
///
/// # Errors
/// The first call that failed.
pub fn copy_tree(root: &RootDir, path: &str, target: &Path) -> io::Result<()> {
    let source = match root.open_at(Path::new(path), DIRECTORY) {
        Ok(source) => source,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(()),
        Err(error) => return Err(error),
    };
    let wanted = AtomicBool::new(true);
    Copying::into(target, &wanted, OF_OVERLAYS)?.whole(&source).map(drop)
}

/// Copies the directory `source` into the existing directory `target`, and returns how many bytes its files take up. What
/// vanishes meanwhile is left out.
///
/// # Errors
/// The first call that failed; [`io::ErrorKind::Interrupted`] as soon as it is not `wanted` any more.
pub fn copy_directory(source: &Path, target: &Path, wanted: &AtomicBool) -> io::Result<u64> {
    let source = fs::openat(fs::CWD, source, DIRECTORY, Mode::empty())?;
    Copying::into(target, wanted, &[])?.whole(&source)
}

/// Moves what is in the directory `from` into `to` on the same file system, which gets its owner, mode and times too; what
/// `to` has already stays. `from` is gone then.
///
/// # Errors
/// The first call that failed.
pub fn move_in(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs_err::read_dir(from)? {
        let entry = entry?;
        match fs::renameat_with(fs::CWD, entry.path(), fs::CWD, to.join(entry.file_name()), RenameFlags::NOREPLACE) {
            Err(Errno::EXIST) => {}
            result => result?,
        }
    }
    let source = fs::openat(fs::CWD, from, DIRECTORY, Mode::empty())?;
    let target = fs::openat(fs::CWD, to, DIRECTORY, Mode::empty())?;
    metadata(&source, &target, &fs::fstat(&source)?, OF_OVERLAYS)?;
    fs_err::remove_dir_all(from)
}

/// A copy that is being made.
struct Copying<'a> {
    target: OwnedFd,
    /// Where the walk is, below `target`.
    path: PathBuf,
    /// The files with several names: where the first of these is in the copy.
    linked: HashMap<(u64, u64), PathBuf>,
    /// What the files take up, in bytes.
    size: u64,
    wanted: &'a AtomicBool,
    /// How the extended attributes begin that stay behind.
    left_out: &'a [&'a [u8]],
}

impl<'a> Copying<'a> {
    fn into(target: &Path, wanted: &'a AtomicBool, left_out: &'a [&'a [u8]]) -> io::Result<Self> {
        let target = fs::openat(fs::CWD, target, DIRECTORY, Mode::empty())?;
        Ok(Self { target, path: PathBuf::new(), linked: HashMap::new(), size: 0, wanted, left_out })
    }

    fn whole(mut self, source: &OwnedFd) -> io::Result<u64> {
        let target = self.target.try_clone()?;
        self.directory(source, &target, 0)?;
        Ok(self.size)
    }

    fn directory(&mut self, source: &OwnedFd, target: &OwnedFd, depth: u32) -> io::Result<()> {
        if depth > MAX_DEPTH {
            return Err(io::Error::other("directories are nested too deeply"));
        }
        for entry in Dir::read_from(source)? {
            let entry = entry?;
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            self.look()?;
            self.path.push(std::ffi::OsStr::from_bytes(name.to_bytes()));
            let copied = self.entry(source.as_fd(), target.as_fd(), name, depth);
            let copied = copied.map_err(|error| self.told(&error));
            self.path.pop();
            copied?;
        }
        // Last: filling a directory changes its time.
        metadata(source, target, &fs::fstat(source)?, self.left_out)
    }

    /// Whether to go on.
    fn look(&self) -> io::Result<()> {
        if self.wanted.load(Ordering::Relaxed) { Ok(()) } else { Err(io::ErrorKind::Interrupted.into()) }
    }

    /// An error with the file that it is about, if it does not name one yet.
    fn told(&self, error: &io::Error) -> io::Error {
        match error.raw_os_error() {
            Some(_) => io::Error::new(error.kind(), format!("`{}`: {error}", self.path.display())),
            None => io::Error::new(error.kind(), error.to_string()),
        }
    }

    fn entry(&mut self, from: BorrowedFd<'_>, to: BorrowedFd<'_>, name: &CStr, depth: u32) -> io::Result<()> {
        // Of what is there now, and not of what may take its place: it is opened without any effect.
        let found = match fs::openat(from, name, OFlags::PATH | NOFOLLOW, Mode::empty()) {
            Err(Errno::NOENT) => return Ok(()),
            found => found?,
        };
        let stat = fs::fstat(&found)?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        if kind != FileType::Directory && stat.st_nlink > 1 {
            if let Some(first) = self.linked.get(&(stat.st_dev, stat.st_ino)) {
                return Ok(fs::linkat(&self.target, first, to, name, AtFlags::empty())?);
            }
            self.linked.insert((stat.st_dev, stat.st_ino), self.path.clone());
        }
        match kind {
            FileType::Directory => {
                fs::mkdirat(to, name, Mode::RWXU)?;
                let from = fs::openat(&found, c".", DIRECTORY, Mode::empty())?;
                let to = fs::openat(to, name, DIRECTORY | NOFOLLOW, Mode::empty())?;
                self.directory(&from, &to, depth + 1)
            }
            FileType::RegularFile => {
                let from = crate::sys::reopen(&found, OFlags::RDONLY | OFlags::CLOEXEC)?;
                let to = fs::openat(to, name, OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | NOFOLLOW, Mode::RUSR)?;
                self.content(&from, &to)?;
                self.size += u64::try_from(stat.st_blocks).unwrap_or_default() * 512;
                metadata(&from, &to, &stat, self.left_out)
            }
            FileType::Symlink => {
                fs::symlinkat(&*fs::readlinkat(&found, c"", Vec::new())?, to, name)?;
                named_metadata(to, name, &stat)
            }
            kind => {
                fs::mknodat(to, name, kind, Mode::from_raw_mode(stat.st_mode), stat.st_rdev)?;
                // The mode, which the umask has had a part in.
                fs::chmodat(to, name, Mode::from_raw_mode(stat.st_mode), AtFlags::empty())?;
                named_metadata(to, name, &stat)
            }
        }
    }

    /// Copies what is in a file, by sharing its blocks if that can be.
    fn content(&self, from: &OwnedFd, to: &OwnedFd) -> io::Result<()> {
        if fs::ioctl_ficlone(to, from).is_ok() {
            return Ok(());
        }
        let length = u64::try_from(fs::fstat(from)?.st_size).unwrap_or_default();
        let mut at = 0;
        while at < length {
            // Where there is no next data, the rest is a hole.
            let begin = match fs::seek(from, SeekFrom::Data(at)) {
                Err(Errno::NXIO) => break,
                // A file system that knows of no holes.
                Err(Errno::INVAL) => at,
                begin => begin?,
            };
            let end = fs::seek(from, SeekFrom::Hole(begin)).unwrap_or(length);
            self.piece_by_piece(from, to, begin, end)?;
            at = end;
        }
        Ok(fs::ftruncate(to, length)?)
    }

    fn piece_by_piece(&self, from: &OwnedFd, to: &OwnedFd, begin: u64, end: u64) -> io::Result<()> {
        let (mut read, mut written) = (begin, begin);
        while read < end {
            self.look()?;
            let room = usize::try_from(end - read).unwrap_or(PIECE).min(PIECE);
            match fs::copy_file_range(from, Some(&mut read), to, Some(&mut written), room) {
                // Cut short by its owner.
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(Errno::XDEV | Errno::OPNOTSUPP | Errno::INVAL | Errno::NOSYS) => {
                    let count = self.by_hand(from, to, read, room)?;
                    if count == 0 {
                        return Ok(());
                    }
                    read += count;
                    written = read;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn by_hand(&self, from: &OwnedFd, to: &OwnedFd, at: u64, room: usize) -> io::Result<u64> {
        use std::os::unix::fs::FileExt as _;
        let (from, to) = (std::fs::File::from(from.try_clone()?), std::fs::File::from(to.try_clone()?));
        let mut buffer = vec![0; room.min(256 << 10)];
        let count = from.read_at(&mut buffer, at)?;
        to.write_all_at(&buffer[..count], at)?;
        Ok(count as u64)
    }
}

/// Gives a copy the owner, the mode, the extended attributes and the times of what it was made from.
fn metadata(source: &OwnedFd, target: &OwnedFd, stat: &Stat, left_out: &[&[u8]]) -> io::Result<()> {
    let (uid, gid) = (fs::Uid::from_raw(stat.st_uid), fs::Gid::from_raw(stat.st_gid));
    // The owner first: a change of owner clears set-user-id bits and capabilities.
    fs::fchown(target, Some(uid), Some(gid))?;
    fs::fchmod(target, Mode::from_raw_mode(stat.st_mode))?;
    xattrs(source, target, left_out)?;
    Ok(fs::futimens(target, &times(stat))?)
}

fn xattrs(source: &OwnedFd, target: &OwnedFd, left_out: &[&[u8]]) -> io::Result<()> {
    // Nearly no file has any: nothing is reserved for their names before there are some.
    let length = match fs::flistxattr_query(source) {
        Ok(0) | Err(Errno::NOTSUP) => return Ok(()),
        length => length?,
    };
    let mut names = vec![0; length];
    let length = fs::flistxattr(source, &mut names)?;
    let mut value = Vec::new();
    for name in names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        if left_out.iter().any(|beginning| name.starts_with(beginning)) {
            continue;
        }
        // The kernel's limit of a value (xattr(7)).
        value.resize(65536, 0);
        let length = fs::fgetxattr(source, name, &mut value)?;
        fs::fsetxattr(target, name, &value[..length], XattrFlags::empty())?;
    }
    Ok(())
}

/// Gives what is not opened its owner and times.
fn named_metadata(directory: BorrowedFd<'_>, name: &CStr, stat: &Stat) -> io::Result<()> {
    let (uid, gid) = (fs::Uid::from_raw(stat.st_uid), fs::Gid::from_raw(stat.st_gid));
    fs::chownat(directory, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(fs::utimensat(directory, name, &times(stat), AtFlags::SYMLINK_NOFOLLOW)?)
}

fn times(stat: &Stat) -> Timestamps {
    let time = |seconds: i64, nanoseconds| Timespec { tv_sec: seconds, tv_nsec: nanoseconds };
    Timestamps {
        last_access: time(stat.st_atime, stat.st_atime_nsec.cast_signed()),
        last_modification: time(stat.st_mtime, stat.st_mtime_nsec.cast_signed()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};

    use super::*;

    fn copied(fill: impl FnOnce(&Path)) -> (tempfile::TempDir, PathBuf, u64) {
        let directory = tempfile::tempdir().unwrap();
        let (source, target) = (directory.path().join("source"), directory.path().join("target"));
        fs_err::create_dir(&source).unwrap();
        fs_err::create_dir(&target).unwrap();
        fill(&source);
        let size = copy_directory(&source, &target, &AtomicBool::new(true)).unwrap();
        (directory, target, size)
    }

    #[test]
    fn whatever_a_directory_holds_is_copied() {
        let before = jiff::Timestamp::from_second(1_000_000_000).unwrap();
        let (_directory, target, size) = copied(|source| {
            fs_err::create_dir(source.join("sub")).unwrap();
            fs_err::write(source.join("sub/file"), "text").unwrap();
            fs_err::hard_link(source.join("sub/file"), source.join("again")).unwrap();
            std::os::unix::fs::symlink("/etc/passwd", source.join("link")).unwrap();
            fs_err::set_permissions(source.join("sub"), std::fs::Permissions::from_mode(0o1750)).unwrap();
            let file = std::fs::File::open(source.join("sub/file")).unwrap();
            file.set_modified(before.into()).unwrap();
            fs::fsetxattr(&file, "user.note", b"kept", XattrFlags::empty()).unwrap();
            let pipe = source.join("pipe");
            fs::mknodat(fs::CWD, &pipe, FileType::Fifo, Mode::from_raw_mode(0o622), 0).unwrap();
        });
        let (file, again) = (target.join("sub/file").metadata().unwrap(), target.join("again").metadata().unwrap());
        assert_eq!(fs_err::read_to_string(target.join("again")).unwrap(), "text");
        assert_eq!((file.ino(), file.nlink(), file.mtime()), (again.ino(), 2, before.as_second()));
        assert_eq!(target.join("sub").metadata().unwrap().mode() & 0o7777, 0o1750);
        assert_eq!(fs_err::read_link(target.join("link")).unwrap(), Path::new("/etc/passwd"));
        assert!(target.join("pipe").metadata().unwrap().file_type().is_fifo());
        let mut value = [0; 4];
        let file = std::fs::File::open(target.join("again")).unwrap();
        assert_eq!((fs::fgetxattr(&file, "user.note", &mut value), &value), (Ok(4), b"kept"));
        assert!(size >= 4, "{size}");
    }

    #[test]
    fn holes_stay_holes() {
        use std::os::unix::fs::FileExt as _;
        let (_directory, target, size) = copied(|source| {
            let file = std::fs::File::create(source.join("sparse")).unwrap();
            file.write_all_at(b"middle", 32 << 20).unwrap();
            file.set_len(64 << 20).unwrap();
        });
        let file = std::fs::File::open(target.join("sparse")).unwrap();
        let mut text = [0; 6];
        file.read_exact_at(&mut text, 32 << 20).unwrap();
        assert_eq!((&text, file.metadata().unwrap().len()), (b"middle", 64 << 20));
        assert!(file.metadata().unwrap().blocks() * 512 < 1 << 20 && size < 1 << 20);
    }

    #[test]
    fn what_is_not_wanted_any_more_ends() {
        let directory = tempfile::tempdir().unwrap();
        fs_err::write(directory.path().join("file"), "text").unwrap();
        let target = tempfile::tempdir().unwrap();
        let error = copy_directory(directory.path(), target.path(), &AtomicBool::new(false)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Interrupted);
    }
}
