//! What the content and attributes of a file come to.

use std::io::{self, Read as _};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fs::{AtFlags, FileType, OFlags};
use sha2::{Digest as _, Sha256};

use super::entry::WANTED;
use super::index::{Before, Body};
use super::{Entry, Tree, TreeError, attributes, is_absent};

/// As much as is read at once.
const CHUNK: usize = 256 * 1024;

/// How often a file is read that was written to meanwhile.
const ATTEMPTS: usize = 3;

/// How many files a thread takes at once.
const SHARE: usize = 32;

const MAX_THREADS: usize = 8;

impl Tree {
    /// What each of `entries` comes to, in the same order. One that has changed since it was looked at is looked at again.
    pub(in crate::build) fn bodies(&self, entries: &mut [Entry]) -> Result<Vec<Body>, TreeError> {
        let mut bodies = vec![None; entries.len()];
        if let Some(index) = &self.index {
            let mut index = index.lock().expect("no thread panics holding it");
            for (entry, body) in entries.iter().zip(&mut bodies) {
                *body = index.get(&entry.path, &entry.stamp);
            }
        }
        let missing: Vec<_> =
            entries.iter_mut().zip(&mut bodies).filter(|(_, body)| body.is_none()).map(Mutex::new).collect();
        self.read_all(&missing)?;
        drop(missing);
        Ok(bodies.into_iter().map(|body| body.expect("what was missing was read")).collect())
    }

    fn read_all(&self, missing: &[Mutex<(&mut Entry, &mut Option<Body>)>]) -> Result<(), TreeError> {
        let (next, failure) = (AtomicUsize::new(0), Mutex::new(None));
        let run = || {
            let mut buffer = vec![0; CHUNK];
            loop {
                let start = next.fetch_add(SHARE, Ordering::Relaxed);
                for file in missing.iter().skip(start).take(SHARE) {
                    let mut file = file.lock().expect("no thread panics holding it");
                    let (entry, body) = &mut *file;
                    match self.read(entry, &mut buffer) {
                        Ok(read) => **body = Some(read),
                        Err(error) => {
                            *failure.lock().expect("no thread panics holding it") = Some(error);
                            next.store(missing.len(), Ordering::Relaxed);
                            return;
                        }
                    }
                }
                if start >= missing.len() {
                    return;
                }
            }
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
        std::thread::scope(|scope| {
            for _ in 1..threads.min(missing.len().div_ceil(SHARE)) {
                let _ = std::thread::Builder::new().spawn_scoped(scope, run);
            }
            run();
        });
        failure.into_inner().expect("no thread panics holding it").map_or(Ok(()), Err)
    }

    fn read(&self, entry: &mut Entry, buffer: &mut [u8]) -> Result<Body, TreeError> {
        for _ in 0..ATTEMPTS {
            let before = Before::now();
            let failed = |source: io::Error| match is_absent(&source) {
                true => TreeError::Changing { path: entry.path.clone() },
                false => TreeError::Read { path: entry.path.clone(), source },
            };
            let file = self.open(&entry.path, entry.kind).map_err(failed)?;
            let first = look(&file, &entry.path).map_err(failed)?;
            if first.kind != entry.kind {
                break;
            }
            let body = body(&file, &first, buffer).map_err(failed)?;
            let last = look(&file, &entry.path).map_err(failed)?;
            if last.stamp == first.stamp {
                *entry = Entry { is_implied: entry.is_implied, ..last };
                if let Some(index) = &self.index {
                    let mut index = index.lock().expect("no thread panics holding it");
                    index.put(&entry.path, entry.stamp, body, before);
                }
                return Ok(body);
            }
        }
        Err(TreeError::Changing { path: entry.path.clone() })
    }

    /// Opens a file or directory to be read, and all else only to be looked at.
    pub(in crate::build) fn open(&self, path: &Path, kind: FileType) -> io::Result<OwnedFd> {
        let flags = match kind {
            FileType::RegularFile => OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY,
            FileType::Directory => OFlags::RDONLY | OFlags::DIRECTORY,
            _ => return self.root.open_itself(path),
        };
        self.root.open_plain(path, flags | OFlags::NOFOLLOW)
    }
}

/// The file that is open, under the path that it was found by.
pub(in crate::build) fn look(file: &OwnedFd, path: &Path) -> io::Result<Entry> {
    Ok(Entry::new(path.to_owned(), &rustix::fs::statx(file, "", AtFlags::EMPTY_PATH, WANTED)?))
}

fn body(file: &OwnedFd, entry: &Entry, buffer: &mut [u8]) -> io::Result<Body> {
    let mut sha256 = Sha256::new();
    match entry.kind {
        FileType::RegularFile => {
            sha256.update(content(file, buffer)?);
            add_attributes(&mut sha256, file)?;
        }
        FileType::Directory => add_attributes(&mut sha256, file)?,
        FileType::Symlink => sha256.update(rustix::fs::readlinkat(file, "", Vec::new())?.to_bytes()),
        _ => {}
    }
    Ok(sha256.finalize().into())
}

fn content(file: &OwnedFd, buffer: &mut [u8]) -> io::Result<Body> {
    let mut file = std::fs::File::from(file.try_clone()?);
    let mut sha256 = Sha256::new();
    loop {
        match file.read(buffer) {
            Ok(0) => return Ok(sha256.finalize().into()),
            Ok(count) => sha256.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn add_attributes(sha256: &mut Sha256, file: &OwnedFd) -> io::Result<()> {
    for (name, value) in attributes(file.as_fd())? {
        for part in [name, value] {
            sha256.update((part.len() as u64).to_le_bytes());
            sha256.update(part);
        }
    }
    Ok(())
}
