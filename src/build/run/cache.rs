//! Directories that outlast builds.
//!
//! ```text
//! CACHES/<sha256 of the id, and of what it begins with>/
//!   id              which one, for people
//!   0/              the directory; 1/, 2/, … when several wanted it at once and for themselves
//!   0.lock          held, shared or not, while a command uses it
//! ```
//! A new one is filled under another name and renamed: what has a number is whole.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{CWD, FlockOperation, Gid, Mode, OFlags, Timespec, Timestamps, UTIME_NOW, Uid, flock, futimens};
use rustix::io::Errno;

use super::{BindSource, Cache, Cancel, Ownership, RunError, Sharing};
use crate::image::Digest;
use crate::runtime::files::copy_tree;
use crate::sys::{RootDir, create_private_dir_all, overlay, random};

/// More than anybody runs at once.
const MOST: u32 = 10_000;

/// A directory in use: others may have it when this is dropped.
#[derive(Debug)]
pub(super) struct Borrowed {
    pub(super) directory: PathBuf,
    _lock: OwnedFd,
}

/// Takes the directory of a cache below `caches`, as soon as it may be had.
pub(super) fn borrow(cache: &Cache, caches: &Path, cancel: &Cancel) -> Result<Borrowed, RunError> {
    let failed = |source| RunError::Cache { id: cache.id.clone(), source };
    let home = caches.join(Digest::of(key(cache).as_bytes()).hex());
    create_private_dir_all(&home).map_err(failed)?;
    let (number, lock) = match cache.sharing {
        Sharing::Shared => (0, wait(&home, FlockOperation::LockShared, cancel).map_err(failed)?),
        Sharing::Locked => (0, wait(&home, FlockOperation::LockExclusive, cancel).map_err(failed)?),
        Sharing::Private => {
            let (number, lock) = first_free(&home).map_err(failed)?;
            (number, Some(lock))
        }
    };
    let lock = lock.ok_or(RunError::Cancelled)?;
    // Shows when it was used last. That this cannot be noted is not worth an error.
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    let _ = futimens(&lock, &Timestamps { last_access: now, last_modification: now });
    let directory = home.join(number.to_string());
    if !directory.is_dir() {
        make(cache, &home, &directory).map_err(failed)?;
    }
    Ok(Borrowed { directory, _lock: lock })
}

/// What tells caches apart: one that belongs to somebody else, or begins with other files, is another one, as BuildKit has it.
pub(super) fn key(cache: &Cache) -> String {
    let Ownership { mode, uid, gid } = cache.ownership;
    let mut key = cache.id.clone();
    if (mode, uid, gid) != (0o755, 0, 0) {
        key.push_str(&format!("\0{mode:o} {uid}:{gid}"));
    }
    if let Some(BindSource { layers, path }) = &cache.from {
        key.push_str(&format!("\0{layers:?}{path:?}"));
    }
    key
}

fn lock_file(home: &Path, number: u32) -> io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(CWD, home.join(format!("{number}.lock")), flags, Mode::RUSR | Mode::WUSR)?)
}

/// The first directory that nobody has.
fn first_free(home: &Path) -> io::Result<(u32, OwnedFd)> {
    for number in 0..MOST {
        let lock = lock_file(home, number)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => {}
            locked => return locked.map(|()| (number, lock)).map_err(Into::into),
        }
    }
    Err(Errno::BUSY.into())
}

/// Waits for the first directory; `None` when the word to stop came sooner.
fn wait(home: &Path, operation: FlockOperation, cancel: &Cancel) -> io::Result<Option<OwnedFd>> {
    let lock = lock_file(home, 0)?;
    let at_once = match operation {
        FlockOperation::LockShared => FlockOperation::NonBlockingLockShared,
        _ => FlockOperation::NonBlockingLockExclusive,
    };
    match flock(&lock, at_once) {
        Err(Errno::WOULDBLOCK) => {}
        locked => return locked.map(|()| Some(lock)).map_err(Into::into),
    }
    // flock(2) waits for nothing else. If the build is to stop, the thread gets a lock that it gives back at once.
    let (done, waiting) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    let waits = std::thread::Builder::new().name("cache".to_owned()).spawn(move || -> io::Result<OwnedFd> {
        let _waiting = waiting;
        loop {
            match flock(&lock, operation) {
                Err(Errno::INTR) => {}
                locked => return locked.map(|()| lock).map_err(Into::into),
            }
        }
    })?;
    loop {
        let mut watched = [PollFd::new(&done, PollFlags::IN), PollFd::new(cancel, PollFlags::IN)];
        match poll(&mut watched, None) {
            Err(Errno::INTR) => continue,
            ready => ready?,
        };
        if !watched[1].revents().is_empty() {
            return Ok(None);
        }
        return waits.join().expect("waiting does not panic").map(Some);
    }
}

/// Makes a directory that is not there. Others may do the same: the first is the one.
fn make(cache: &Cache, home: &Path, directory: &Path) -> io::Result<()> {
    let new = home.join(format!("new-{}", random::hex(8)));
    rustix::fs::mkdir(&new, Mode::RWXU)?;
    let made = fill(cache, &new).and_then(|()| fs_err::write(home.join("id"), &cache.id)).and_then(|()| {
        let flags = rustix::fs::RenameFlags::NOREPLACE;
        Ok(rustix::fs::renameat_with(CWD, &new, CWD, directory, flags)?)
    });
    if made.is_err() {
        // The error that led here is the one to tell.
        let _ = fs_err::remove_dir_all(&new);
        if directory.is_dir() {
            return Ok(());
        }
    }
    made
}

fn fill(cache: &Cache, directory: &Path) -> io::Result<()> {
    if let Some(BindSource { layers, path }) = &cache.from {
        let open = |layer: &PathBuf| -> io::Result<OwnedFd> {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            Ok(rustix::fs::openat(CWD, layer, flags, Mode::empty())?)
        };
        let root = match &layers[..] {
            [] => None,
            [layer] => Some(RootDir::open(layer)?),
            layers => {
                let layers = layers.iter().map(open).collect::<io::Result<Vec<_>>>()?;
                Some(RootDir::from(overlay::read_only(&layers)?))
            }
        };
        // What is not there would be an empty cache, where something was wanted to be in it.
        let root = root.ok_or(io::ErrorKind::NotFound)?;
        root.open_at(path, OFlags::PATH | OFlags::DIRECTORY)?;
        return copy_tree(&root, &path.to_string_lossy(), directory);
    }
    let owner = (Uid::from_raw(cache.ownership.uid), Gid::from_raw(cache.ownership.gid));
    rustix::fs::chown(directory, Some(owner.0), Some(owner.1))?;
    Ok(rustix::fs::chmod(directory, Mode::from_raw_mode(cache.ownership.mode))?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    fn cache(sharing: Sharing) -> Cache {
        Cache {
            target: "/cache".into(),
            id: "a/b".to_owned(),
            sharing,
            read_only: false,
            from: None,
            ownership: Ownership { mode: 0o1770, uid: 7, gid: 8 },
        }
    }

    #[test]
    fn who_may_have_it_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let cancel = Cancel::new().unwrap();
        let number = |borrowed: &Borrowed| borrowed.directory.file_name().unwrap().to_owned();
        let borrow = |sharing| borrow(&cache(sharing), directory.path(), &cancel);
        let one = borrow(Sharing::Private).unwrap();
        let status = one.directory.metadata().unwrap();
        assert_eq!((status.mode() & 0o7777, status.uid(), status.gid()), (0o1770, 7, 8));
        let two = borrow(Sharing::Private).unwrap();
        assert_eq!((number(&one), number(&two)), ("0".into(), "1".into()));
        drop(one);
        let (one, three) = (borrow(Sharing::Shared).unwrap(), borrow(Sharing::Shared).unwrap());
        assert_eq!((number(&one), number(&three)), ("0".into(), "0".into()));

        // It is given to the next as soon as it is free.
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| number(&borrow(Sharing::Locked).unwrap()));
            drop((one, three));
            assert_eq!(waits.join().unwrap(), "0");
        });
        let held = borrow(Sharing::Locked).unwrap();
        cancel.cancel();
        assert!(matches!(borrow(Sharing::Shared), Err(RunError::Cancelled)));
        drop(held);
    }

    #[test]
    fn a_new_one_has_what_it_is_made_from() {
        let directory = tempfile::tempdir().unwrap();
        let (caches, source) = (directory.path().join("caches"), directory.path().join("source"));
        fs_err::create_dir_all(source.join("sub")).unwrap();
        fs_err::write(source.join("sub/file"), "content").unwrap();
        let from = |path: &str| Some(BindSource { layers: vec![source.clone()], path: path.into() });
        let cancel = Cancel::new().unwrap();
        let missing = Cache { from: from("/none"), ..cache(Sharing::Shared) };
        assert!(matches!(borrow(&missing, &caches, &cancel), Err(RunError::Cache { .. })));
        let made = Cache { from: from("/sub"), ..cache(Sharing::Shared) };
        for _ in 0..2 {
            let borrowed = borrow(&made, &caches, &cancel).unwrap();
            assert_eq!(fs_err::read_to_string(borrowed.directory.join("file")).unwrap(), "content");
        }
        // Only when it is new.
        fs_err::write(source.join("sub/file"), "changed").unwrap();
        let borrowed = borrow(&made, &caches, &cancel).unwrap();
        assert_eq!(fs_err::read_to_string(borrowed.directory.join("file")).unwrap(), "content");
    }
}
