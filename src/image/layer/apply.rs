//! Unpacks the entries of a layer into a directory, as a lower directory of an overlay mount.
//!
//! Every path goes through [`RootDir`], so nothing outside the directory is touched, whatever symlinks the layer sets
//! up. A whiteout becomes a character device 0/0, an opaque directory the attribute `trusted.overlay.opaque`. See
//! <https://docs.kernel.org/filesystems/overlayfs.html#whiteouts-and-opaque-directories>.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Gid, Mode, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;

use super::LayerError;
use super::entry::{Kind, Member, Metadata};
use super::meter::{Allowance, MeteredReader};
use crate::image::digest::{Digest, HashingReader};
use crate::sys::RootDir;

/// What any layer may unpack to (1 GiB), and by how much a blob may grow beyond that. A gigabyte of zeros is a layer
/// that exists; a petabyte is an attack.
const FREE_BYTES: u64 = 1 << 30;
const GROWTH: u64 = 250;

/// Entries of one layer: inodes are finite too.
const MAX_ENTRIES: u64 = 4 << 20;

/// Headers between two entries: long names and PAX records, which are held in memory.
const MAX_HEADERS: u64 = 1 << 20;

/// Mode of a directory that the layer uses but does not describe.
const IMPLIED_MODE: u32 = 0o755;

/// Unpacks `tar`, made from a blob of `blob_size` bytes, into `root`, and gives the digest of the tar.
pub(super) fn apply(tar: HashingReader<impl Read>, blob_size: u64, root: &RootDir) -> Result<Digest, LayerError> {
    let limit = blob_size.saturating_mul(GROWTH).saturating_add(FREE_BYTES);
    let (total, headers) = (Allowance::new(limit), Allowance::new(MAX_HEADERS));
    let tar = MeteredReader { inner: tar, allowance: total.clone() };
    let mut archive = tar::Archive::new(MeteredReader { inner: tar, allowance: headers.clone() });
    let mut layer = Layer {
        root,
        // Not the same as what is read: a sparse file is larger than its part of the archive.
        written: Allowance::new(limit),
        directories: Vec::new(),
        buffer: vec![0; super::stream::CHUNK],
    };
    let too_large = |error: LayerError| match error {
        LayerError::Read(_) if total.left() == 0 => LayerError::TooLarge { limit, unit: "bytes" },
        LayerError::Read(_) if headers.left() == 0 => {
            LayerError::TooLarge { limit: MAX_HEADERS, unit: "bytes of headers" }
        }
        other if layer_is_full(&other) => LayerError::TooLarge { limit, unit: "bytes" },
        other => other,
    };
    let mut entries = archive.entries().map_err(LayerError::Read)?;
    for count in 0.. {
        headers.set(MAX_HEADERS);
        let Some(entry) = entries.next() else { break };
        let mut entry = entry.map_err(LayerError::Read).map_err(too_large)?;
        if count >= MAX_ENTRIES {
            return Err(LayerError::TooLarge { limit: MAX_ENTRIES, unit: "entries" });
        }
        headers.set(u64::MAX);
        layer.add(&mut entry).map_err(too_large)?;
        // Directories and links may carry content too; it is no header of what follows.
        io::copy(&mut entry, &mut io::sink()).map_err(LayerError::Read).map_err(too_large)?;
    }
    layer.finish()?;
    headers.set(u64::MAX);
    // What follows the end of the archive, padding mostly, belongs to the digest.
    let mut rest = archive.into_inner();
    io::copy(&mut rest, &mut io::sink()).map_err(LayerError::Read).map_err(too_large)?;
    let (diff_id, _) = rest.inner.inner.finish().map_err(LayerError::Read)?;
    Ok(diff_id)
}

fn layer_is_full(error: &LayerError) -> bool {
    matches!(error, LayerError::Entry { source, .. } if source.kind() == io::ErrorKind::FileTooLarge)
}

struct Layer<'r> {
    root: &'r RootDir,
    written: Allowance,
    /// Times of directories, set last because every entry changes that of its directory.
    directories: Vec<(PathBuf, Timespec)>,
    buffer: Vec<u8>,
}

impl Layer<'_> {
    fn add(&mut self, entry: &mut tar::Entry<'_, impl Read>) -> Result<(), LayerError> {
        let Member { path, kind, metadata } = Member::read(entry)?;
        let root = self.root;
        let added = match kind {
            Kind::File => self.file(&path, &metadata, entry),
            Kind::Directory => self.directory(&path, &metadata),
            Kind::Symlink(target) => {
                make(root, &path, || root.symlink(&target, &path)).and_then(|()| self.describe(&path, &metadata, true))
            }
            Kind::Hardlink(original) => make(root, &path, || root.hardlink(&original, &path)),
            Kind::Node { file_type, major, minor } => {
                make(root, &path, || root.mknod(&path, file_type, metadata.mode, major, minor))
                    .and_then(|()| self.describe(&path, &metadata, false))
            }
            Kind::Whiteout => self.whiteout(&path),
            Kind::Opaque => root.mkdir_all(&path, IMPLIED_MODE).and_then(|()| set_opaque(root, &path)),
            Kind::Ignored => Ok(()),
        };
        added.map_err(|source| LayerError::Entry { path, source })
    }

    fn file(&mut self, path: &Path, metadata: &Metadata, content: &mut impl Read) -> io::Result<()> {
        let file = make(self.root, path, || self.root.create_file(path, 0o600))?;
        let mut file = std::fs::File::from(file);
        loop {
            let count = content.read(&mut self.buffer)?;
            if count == 0 {
                break;
            }
            if !self.written.spend(count as u64) {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            file.write_all(&self.buffer[..count])?;
        }
        describe_file(&file.into(), metadata)
    }

    fn directory(&mut self, path: &Path, metadata: &Metadata) -> io::Result<()> {
        if let Some(parent) = path.parent() {
            self.root.mkdir_all(parent, IMPLIED_MODE)?;
            match self.root.stat(path)?.map(|stat| (FileType::from_raw_mode(stat.st_mode), stat.st_rdev)) {
                Some((FileType::Directory, _)) => {}
                Some((FileType::CharacterDevice, 0)) => {
                    // The layer removed what was there and made a directory: nothing below shows through.
                    self.root.remove_all(path)?;
                    self.root.mkdir(path, 0o700)?;
                    set_opaque(self.root, path)?;
                }
                // A symlink to a directory is replaced too: its target is not what the entry describes.
                Some(_) => {
                    self.root.remove_all(path)?;
                    self.root.mkdir(path, 0o700)?;
                }
                None => self.root.mkdir(path, 0o700)?,
            }
        }
        self.describe(path, metadata, false)?;
        self.directories.push((path.to_owned(), metadata.modified));
        Ok(())
    }

    fn whiteout(&self, path: &Path) -> io::Result<()> {
        if let Some(parent) = path.parent() {
            self.root.mkdir_all(parent, IMPLIED_MODE)?;
        }
        // Whiteouts are about lower layers only, in whatever order the entries come.
        match self.root.stat(path)?.map(|stat| FileType::from_raw_mode(stat.st_mode)) {
            Some(FileType::Directory) => set_opaque(self.root, path),
            Some(_) => Ok(()),
            None => self.root.mknod(path, FileType::CharacterDevice, 0, 0, 0),
        }
    }

    /// Sets owner, then mode, then attributes, because a change of owner clears setuid and capabilities; time last.
    fn describe(&self, path: &Path, metadata: &Metadata, is_symlink: bool) -> io::Result<()> {
        self.root.chown(path, metadata.owner)?;
        if !is_symlink {
            self.root.chmod(path, metadata.mode)?;
        }
        for (name, value) in &metadata.xattrs {
            tolerate_user(name, self.root.setxattr(path, name, value))?;
        }
        self.root.utimens(path, metadata.modified)
    }

    fn finish(&self) -> Result<(), LayerError> {
        for (path, modified) in &self.directories {
            let directory = |stat: rustix::fs::Stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
            let set = match self.root.stat(path) {
                Ok(Some(stat)) if directory(stat) => self.root.utimens(path, *modified),
                // A later entry replaced it, or a directory above it.
                Ok(_) => Ok(()),
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(()),
                Err(error) => Err(error),
            };
            set.map_err(|source| LayerError::Entry { path: path.clone(), source })?;
        }
        Ok(())
    }
}

/// Makes an entry, with the directories above it if they are missing, in place of what an earlier entry left there.
fn make<T>(root: &RootDir, path: &Path, entry: impl Fn() -> io::Result<T>) -> io::Result<T> {
    // Most entries are new and have a directory, so trying first saves looking.
    match entry() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            root.mkdir_all(path.parent().unwrap_or(Path::new("")), IMPLIED_MODE)?;
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => root.remove_all(path)?,
        answer => return answer,
    }
    entry()
}

fn set_opaque(root: &RootDir, path: &Path) -> io::Result<()> {
    root.setxattr(path, OsStr::new("trusted.overlay.opaque"), b"y")
}

/// As [`Layer::describe`], for the file that was just written.
fn describe_file(file: &OwnedFd, metadata: &Metadata) -> io::Result<()> {
    let (uid, gid) = (Uid::from_raw(metadata.owner.uid), Gid::from_raw(metadata.owner.gid));
    rustix::fs::fchown(file, Some(uid), Some(gid))?;
    rustix::fs::fchmod(file, Mode::from_raw_mode(metadata.mode))?;
    for (name, value) in &metadata.xattrs {
        let set = rustix::fs::fsetxattr(file, name.as_os_str(), value, XattrFlags::empty());
        tolerate_user(name, set.map_err(io::Error::from))?;
    }
    let times = Timestamps { last_access: metadata.modified, last_modification: metadata.modified };
    Ok(rustix::fs::futimens(file, &times)?)
}

/// `user.*` attributes are decoration that not every filesystem and kind of file can hold; the others are not.
fn tolerate_user(name: &OsStr, set: io::Result<()>) -> io::Result<()> {
    let is_user = name.as_encoded_bytes().starts_with(b"user.");
    match set.as_ref().err().and_then(Errno::from_io_error) {
        Some(Errno::NOTSUP | Errno::PERM) if is_user => Ok(()),
        _ => set,
    }
}

#[cfg(test)]
#[path = "apply_tests.rs"]
mod tests;
