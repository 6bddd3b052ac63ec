//! The directory that an overlay keeps the copies in, and large files of it whose content comes later.
//!
//! ```text
//! COPY ─▶ a large file: all but its content ─▶ Upper
//! seal ─▶ tar ─▶ Contents: source ─┬▶ the file
//!                                  └▶ sha256 = diff id
//! ```
//!
//! So each byte of it is read once, and hashed by another thread while it is written.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rustix::fs::{FileType, OFlags, Statx, Timespec, Timestamps};

use super::CopyError;
use crate::build::context::{Entry, look};
use crate::runtime::files::Contents;
use crate::sys::RootDir;

/// Smaller ones are copied sooner than they are remembered, in bytes.
const LARGE: u64 = 1 << 20;

/// Each keeps two files open.
const MAX_DEFERRED: usize = 64;

/// The directory that an overlay keeps what is written to it in.
#[derive(Debug)]
pub struct Upper {
    directory: RootDir,
    deferred: Mutex<Vec<Deferred>>,
}

/// A file that has all but its content.
#[derive(Debug)]
struct Deferred {
    source: Entry,
    from: OwnedFd,
    to: File,
    /// In the image.
    path: PathBuf,
    /// Of `to`. As that is open, no other file has the number.
    inode: u64,
}

/// The contents that are still to come.
pub struct DeferredContents<'a> {
    files: Vec<Deferred>,
    cancelled: &'a (dyn Fn() -> bool + Sync),
    failure: Option<CopyError>,
}

impl std::fmt::Debug for DeferredContents<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("DeferredContents").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Upper {
    /// That of the overlay that the copies are written to.
    #[must_use]
    pub fn new(directory: RootDir) -> Self {
        Self { directory, deferred: Mutex::default() }
    }

    /// The file that was just made at `to`, where the disk really has it.
    pub(super) fn open(&self, to: &Path) -> Option<OwnedFd> {
        let file = self.directory.open_plain(to, OFlags::WRONLY | OFlags::NOFOLLOW).ok()?;
        let status = rustix::fs::fstat(&file).ok()?;
        let is_fresh = FileType::from_raw_mode(status.st_mode) == FileType::RegularFile && status.st_size == 0;
        is_fresh.then_some(file)
    }

    /// Whether the content of `source` may come later: it is large, and without holes. Set-user-id bits and attributes (some
    /// of which are capabilities) would be lost when the file is written to.
    pub(super) fn defers(source: &Entry, mode: u32, has_attributes: bool) -> bool {
        let is_whole = source.blocks.saturating_mul(512) >= source.stamp.size;
        source.stamp.size >= LARGE && is_whole && mode & 0o6000 == 0 && !has_attributes
    }

    /// Has the content of `from`, which `source` is, come later to the file `to`, opened by [`open`](Self::open), which is called
    /// `path`. False when too many wait already.
    ///
    /// # Errors
    /// What `fstat(2)` or `dup(2)` says.
    pub(super) fn defer(&self, source: &Entry, from: &OwnedFd, to: OwnedFd, path: &Path) -> io::Result<bool> {
        let mut deferred = self.deferred.lock().expect("no thread panics holding it");
        if deferred.len() >= MAX_DEFERRED {
            return Ok(false);
        }
        let inode = rustix::fs::fstat(&to)?.st_ino;
        let from = from.try_clone()?;
        deferred.push(Deferred { source: source.clone(), from, to: to.into(), path: path.to_owned(), inode });
        Ok(true)
    }

    /// What is to be written while the layer is read.
    #[must_use]
    pub fn contents(self, cancelled: &(dyn Fn() -> bool + Sync)) -> DeferredContents<'_> {
        let files = self.deferred.into_inner().expect("no thread panics holding it");
        DeferredContents { files, cancelled, failure: None }
    }
}

impl DeferredContents<'_> {
    /// Why the layer could not be read, if it was because of a content.
    #[must_use]
    pub fn failure(self) -> Option<CopyError> {
        self.failure
    }
}

impl Contents for DeferredContents<'_> {
    fn of(&mut self, status: &Statx) -> Option<Box<dyn Read + '_>> {
        let found = self.files.iter().position(|file| file.inode == status.stx_ino)?;
        let file = self.files.swap_remove(found);
        let time = Timespec { tv_sec: status.stx_mtime.tv_sec, tv_nsec: status.stx_mtime.tv_nsec.into() };
        Some(Box::new(Filling { file, at: 0, time, cancelled: self.cancelled, failure: &mut self.failure }))
    }
}

/// The content of a file, which is written to the copy as it is read.
struct Filling<'a> {
    file: Deferred,
    at: u64,
    /// When the copy is to have been changed last, whatever is written to it.
    time: Timespec,
    cancelled: &'a (dyn Fn() -> bool + Sync),
    failure: &'a mut Option<CopyError>,
}

impl Read for Filling<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.step(buffer).map_err(|error| {
            *self.failure = Some(error);
            io::ErrorKind::Other.into()
        })
    }
}

impl Filling<'_> {
    fn step(&mut self, buffer: &mut [u8]) -> Result<usize, CopyError> {
        let Deferred { source, from, to, path, .. } = &self.file;
        let read = |error: io::Error| CopyError::Read { path: source.path.clone(), source: error };
        let written = |error: io::Error| CopyError::Write { path: Path::new("/").join(path), source: error };
        let changed = || CopyError::Changed { path: source.path.clone() };
        if (self.cancelled)() {
            return Err(CopyError::Cancelled);
        }
        let count = rustix::io::retry_on_intr(|| rustix::io::pread(from, &mut *buffer, self.at));
        let count = count.map_err(|errno| read(errno.into()))?;
        if count == 0 {
            return Err(changed());
        }
        to.write_all_at(&buffer[..count], self.at).map_err(written)?;
        self.at += count as u64;
        if self.at >= source.stamp.size {
            if look(from, &source.path).map_err(read)?.stamp != source.stamp {
                return Err(changed());
            }
            let times = Timestamps { last_access: self.time, last_modification: self.time };
            rustix::fs::futimens(to, &times).map_err(|errno| written(errno.into()))?;
        }
        Ok(count)
    }
}
