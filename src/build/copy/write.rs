//! Writes the copies, by descriptors of directories that no symlink can lead away from.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Timespec, Timestamps, Uid, XattrFlags, statat};
use rustix::io::Errno;

use super::content::{Failure, Ways};
use super::place::{MAX_DEPTH, ROOT};
use super::select::Selection;
use super::{Chmod, CopyError, Destination, Upper};
use crate::build::context::{Entry, Tree, attributes, look};
use crate::sys::{Owner, RootDir};

/// One instruction's copies under way.
pub(super) struct Writer<'a> {
    tree: &'a Tree,
    into: &'a Destination<'a>,
    chmod: Option<&'a Chmod>,
    /// Whose all copies become.
    owner: Option<Owner>,
    ways: Ways,
    /// Where files that have several names were copied to, by file system and inode.
    links: HashMap<(u64, u64), PathBuf>,
}

/// A directory that is being filled.
struct Level<'e> {
    path: &'e Path,
    target: OwnedFd,
    /// What it is a copy of; the outermost one is none.
    entry: Option<&'e Entry>,
    is_new: bool,
}

impl<'a> Writer<'a> {
    pub(super) fn new(selection: &Selection<'a>, into: &'a Destination<'a>, owner: Option<Owner>) -> Self {
        let (tree, chmod) = (selection.tree, selection.copy.chmod.as_ref());
        // In a context nobody's files are anybody's.
        let owner = owner.or(tree.is_context().then_some(ROOT));
        Self { tree, into, chmod, owner, ways: Ways::default(), links: HashMap::new() }
    }

    /// Copies the `entries` below the directory `top` of the tree into the directory `to`, which is there and has no symlinks
    /// in its path. It keeps its owner and mode, and has the time of `top`.
    pub(super) fn tree(&mut self, top: &Entry, entries: &[Entry], to: &Path) -> Result<(), CopyError> {
        let from = top.path.as_path();
        let root = self.open_directory(to)?;
        let mut levels = vec![Level { path: from, target: root, entry: None, is_new: false }];
        for entry in entries {
            let above = entry.path.parent().unwrap_or(Path::new(""));
            while levels.last().is_some_and(|level| level.path != above) {
                let left = levels.pop().expect("there is a last one");
                self.leave(left, from, to)?;
            }
            let Some(level) = levels.last() else { break };
            let target = to.join(entry.path.strip_prefix(from).unwrap_or(&entry.path));
            if !entry.is_directory() {
                self.entry(entry, level.target.as_fd(), &target)?;
                continue;
            }
            if levels.len() > MAX_DEPTH {
                return Err(CopyError::TooDeep { path: entry.path.clone() });
            }
            let (directory, is_new) = enter(level.target.as_fd(), &target)?;
            levels.push(Level { path: &entry.path, target: directory, entry: Some(entry), is_new });
        }
        while let Some(left) = levels.pop() {
            self.leave(left, from, to)?;
        }
        let times = Timestamps { last_access: time(top), last_modification: time(top) };
        rustix::fs::futimens(self.open_directory(to)?, &times)
            .map_err(|errno| CopyError::Write { path: shown(to), source: errno.into() })
    }

    /// Begins with another source: names of one file are names of one file within a source only.
    pub(super) fn next_source(&mut self) {
        self.links.clear();
    }

    /// Copies one file to a path, whose directory is there.
    pub(super) fn file(&mut self, entry: &Entry, to: &Path) -> Result<(), CopyError> {
        let directory = self.open_directory(to.parent().unwrap_or(Path::new("")))?;
        self.entry(entry, directory.as_fd(), to)
    }

    /// Makes a file of some content.
    pub(super) fn inline(&mut self, to: &Path, content: &[u8], mode: u32) -> Result<(), CopyError> {
        let failed = |source: io::Error| CopyError::Write { path: shown(to), source };
        let directory = self.open_directory(to.parent().unwrap_or(Path::new("")))?;
        let mode = self.chmod.map_or(mode, |chmod| chmod.apply(mode, false));
        let file = create(directory.as_fd(), to, mode)?;
        io::Write::write_all(&mut std::fs::File::from(file.try_clone().map_err(failed)?), content).map_err(failed)?;
        // The beginning of time would do as well, but archivers refuse it: those of Python wheels, for one.
        let time = Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_NOW };
        dress(&file, self.owner.unwrap_or(ROOT), mode, &[], time).map_err(failed)
    }

    fn open_directory(&self, path: &Path) -> Result<OwnedFd, CopyError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW;
        let opened = self.into.root.open_plain(path, flags);
        opened.map_err(|source| CopyError::Write { path: shown(path), source })
    }

    fn entry(&mut self, entry: &Entry, directory: BorrowedFd<'_>, to: &Path) -> Result<(), CopyError> {
        if (self.into.cancelled)() {
            return Err(CopyError::Cancelled);
        }
        let failed = |source: io::Error| CopyError::Write { path: shown(to), source };
        match entry.kind {
            FileType::RegularFile => self.regular(entry, directory, to),
            FileType::Symlink => self.symlink(entry, directory, to),
            _ => {
                let name = name_of(to);
                let mode = self.mode(entry);
                let make = || rustix::fs::mknodat(directory, name, entry.kind, Mode::from_raw_mode(mode), entry.device);
                in_place(directory, to, make)?;
                self.dress_at(entry, directory, name, true).map_err(failed)
            }
        }
    }

    fn regular(&mut self, entry: &Entry, directory: BorrowedFd<'_>, to: &Path) -> Result<(), CopyError> {
        let failed = |source: io::Error| CopyError::Write { path: shown(to), source };
        let read = |source: io::Error| CopyError::Read { path: entry.path.clone(), source };
        let changed = || CopyError::Changed { path: entry.path.clone() };
        let inode = (entry.file_system, entry.stamp.inode);
        if entry.links > 1
            && let Some(first) = self.links.get(&inode)
        {
            let above = self.open_directory(first.parent().unwrap_or(Path::new("")))?;
            let link =
                || rustix::fs::linkat(&above, name_of(first), directory, name_of(to), AtFlags::empty()).map(drop);
            return in_place(directory, to, link);
        }
        let from = match self.tree.open(&entry.path, entry.kind) {
            Err(error) if crate::build::context::is_absent(&error) => return Err(changed()),
            opened => opened.map_err(read)?,
        };
        let is_same = |from: &OwnedFd| look(from, &entry.path).map(|now| now.stamp == entry.stamp).map_err(read);
        if !is_same(&from)? {
            return Err(changed());
        }
        let mode = self.mode(entry);
        let file = create(directory, to, mode)?;
        let attributes = attributes(from.as_fd()).map_err(read)?;
        if !self.defers(entry, &from, &file, to, mode, !attributes.is_empty()).map_err(failed)? {
            let how_much = (entry.stamp.size, entry.blocks);
            match self.ways.copy(&from, &file, how_much, &self.into.cancelled) {
                Ok(()) => {}
                Err(Failure::Read(source)) => return Err(read(source)),
                Err(Failure::Write(source)) => return Err(failed(source)),
                Err(Failure::Cancelled) => return Err(CopyError::Cancelled),
            }
        }
        if !is_same(&from)? {
            return Err(changed());
        }
        dress(&file, self.owner(entry), mode, &attributes, time(entry)).map_err(failed)?;
        if entry.links > 1 {
            self.links.insert(inode, to.to_owned());
        }
        Ok(())
    }

    /// Has the content of a file that was just made come later, or at once by sharing its blocks; false when neither can be.
    fn defers(
        &mut self,
        entry: &Entry,
        from: &OwnedFd,
        file: &OwnedFd,
        to: &Path,
        mode: u32,
        has_attributes: bool,
    ) -> io::Result<bool> {
        let can_be = Upper::defers(entry, mode, has_attributes);
        let Some(upper) = self.into.upper.filter(|_| can_be || self.ways.shares()) else { return Ok(false) };
        let Some(direct) = upper.open(to) else { return Ok(false) };
        if self.ways.share(from, &direct) {
            return Ok(true);
        }
        let is_deferred = can_be && upper.defer(entry, from, direct, to)?;
        if is_deferred {
            rustix::fs::ftruncate(file, entry.stamp.size)?;
        }
        Ok(is_deferred)
    }

    fn symlink(&mut self, entry: &Entry, directory: BorrowedFd<'_>, to: &Path) -> Result<(), CopyError> {
        let read = |source: io::Error| CopyError::Read { path: entry.path.clone(), source };
        let opened = self.tree.open(&entry.path, entry.kind).map_err(read)?;
        if look(&opened, &entry.path).map_err(read)?.stamp != entry.stamp {
            return Err(CopyError::Changed { path: entry.path.clone() });
        }
        let target = rustix::fs::readlinkat(&opened, "", Vec::new()).map_err(|errno| read(errno.into()))?;
        in_place(directory, to, || rustix::fs::symlinkat(&*target, directory, name_of(to)))?;
        let failed = |source: io::Error| CopyError::Write { path: shown(to), source };
        self.dress_at(entry, directory, name_of(to), false).map_err(failed)
    }

    /// Finishes a directory, whose time what was put into it has changed.
    fn leave(&self, level: Level<'_>, from: &Path, to: &Path) -> Result<(), CopyError> {
        let Some(entry) = level.entry else { return Ok(()) };
        let target = to.join(entry.path.strip_prefix(from).unwrap_or(&entry.path));
        let failed = |source: io::Error| CopyError::Write { path: shown(&target), source };
        if entry.is_implied && !level.is_new {
            // What is only on the way leaves it whose it was.
            return rustix::fs::fchmod(&level.target, Mode::from_raw_mode(self.mode(entry)))
                .map_err(|errno| failed(errno.into()));
        }
        let read = |source: io::Error| CopyError::Read { path: entry.path.clone(), source };
        let source = self.tree.open(&entry.path, entry.kind).map_err(read)?;
        let attributes = attributes(source.as_fd()).map_err(read)?;
        dress(&level.target, self.owner(entry), self.mode(entry), &attributes, time(entry)).map_err(failed)
    }

    fn owner(&self, entry: &Entry) -> Owner {
        self.owner.unwrap_or(Owner { uid: entry.uid, gid: entry.gid })
    }

    fn mode(&self, entry: &Entry) -> u32 {
        self.chmod.map_or(entry.mode, |chmod| chmod.apply(entry.mode, entry.is_directory()))
    }

    /// As [`dress`], for what cannot be opened.
    fn dress_at(&self, entry: &Entry, directory: BorrowedFd<'_>, name: &OsStr, has_mode: bool) -> io::Result<()> {
        let (uid, gid) = ids(self.owner(entry));
        rustix::fs::chownat(directory, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW)?;
        if has_mode {
            RootDir::from(directory.try_clone_to_owned()?).chmod(Path::new(name), self.mode(entry))?;
        }
        let time = time(entry);
        let times = Timestamps { last_access: time, last_modification: time };
        Ok(rustix::fs::utimensat(directory, name, &times, AtFlags::SYMLINK_NOFOLLOW)?)
    }
}

fn name_of(path: &Path) -> &OsStr {
    path.file_name().unwrap_or_default()
}

/// As a path in the image.
fn shown(path: &Path) -> PathBuf {
    Path::new("/").join(path)
}

fn time(entry: &Entry) -> Timespec {
    const SECOND: i64 = 1_000_000_000;
    let modified = entry.stamp.modified;
    Timespec { tv_sec: modified.div_euclid(SECOND), tv_nsec: modified.rem_euclid(SECOND) }
}

fn ids(owner: Owner) -> (Option<Uid>, Option<Gid>) {
    (Some(Uid::from_raw(owner.uid)), Some(Gid::from_raw(owner.gid)))
}

/// Makes a directory, or enters the one that is there.
fn enter(above: BorrowedFd<'_>, to: &Path) -> Result<(OwnedFd, bool), CopyError> {
    let name = name_of(to);
    let failed = |errno: Errno| CopyError::Write { path: shown(to), source: errno.into() };
    let is_new = match rustix::fs::mkdirat(above, name, Mode::RWXU) {
        Ok(()) => true,
        Err(Errno::EXIST) => false,
        Err(errno) => return Err(failed(errno)),
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::openat(above, name, flags, Mode::empty()) {
        Ok(directory) => Ok((directory, is_new)),
        Err(Errno::NOTDIR | Errno::LOOP) => {
            let is_symlink = statat(above, name, AtFlags::SYMLINK_NOFOLLOW)
                .is_ok_and(|status| FileType::from_raw_mode(status.st_mode) == FileType::Symlink);
            let there = if is_symlink { "the symlink" } else { "the file" };
            Err(CopyError::Overwrite { path: shown(to), there, wanted: "a directory" })
        }
        Err(errno) => Err(failed(errno)),
    }
}

/// Makes a file that was not there, in place of what was, of `mode` as far as the umask and its coming content let it be.
fn create(directory: BorrowedFd<'_>, to: &Path, mode: u32) -> Result<OwnedFd, CopyError> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(mode & 0o777);
    in_place(directory, to, || rustix::fs::openat(directory, name_of(to), flags, mode))
}

/// Makes something, after a file that is there was removed.
fn in_place<T>(directory: BorrowedFd<'_>, to: &Path, make: impl Fn() -> Result<T, Errno>) -> Result<T, CopyError> {
    let failed = |errno: Errno| CopyError::Write { path: shown(to), source: errno.into() };
    match make() {
        Err(Errno::EXIST) => {}
        made => return made.map_err(failed),
    }
    match rustix::fs::unlinkat(directory, name_of(to), AtFlags::empty()) {
        Err(Errno::ISDIR) => {
            return Err(CopyError::Overwrite { path: shown(to), there: "the directory", wanted: "a file" });
        }
        removed => removed.map_err(failed)?,
    }
    make().map_err(failed)
}

/// The owner first: a change of it clears set-user-id bits and capabilities. The time last: all else changes it. What is as it
/// should be is left, since each change is one of the file system's journal.
fn dress(file: &OwnedFd, owner: Owner, mode: u32, attributes: &[(Vec<u8>, Vec<u8>)], time: Timespec) -> io::Result<()> {
    let is = rustix::fs::fstat(file)?;
    let is_owned = (is.st_uid, is.st_gid) == (owner.uid, owner.gid);
    if !is_owned {
        let (uid, gid) = ids(owner);
        rustix::fs::fchown(file, uid, gid)?;
    }
    if !is_owned || is.st_mode & 0o7777 != mode {
        rustix::fs::fchmod(file, Mode::from_raw_mode(mode))?;
    }
    for (name, value) in attributes {
        match rustix::fs::fsetxattr(file, &**name, value, XattrFlags::empty()) {
            // Not every file system has those of users.
            Err(Errno::NOTSUP | Errno::PERM) if name.starts_with(b"user.") => {}
            set => set?,
        }
    }
    let times = Timestamps { last_access: time, last_modification: time };
    Ok(rustix::fs::futimens(file, &times)?)
}
