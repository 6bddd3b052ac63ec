//! What the content and attributes of a file come to.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Mutex;

use rustix::fs::{AtFlags, FileType, OFlags};
use sha2::{Digest as _, Sha256};

use super::entry::WANTED;
use super::index::{Before, Body};
use super::parallel::in_shares;
use super::{Entry, Tree, TreeError, attributes, is_absent};

/// As much as is read at once, in bytes.
const CHUNK: usize = 256 * 1024;

/// Of a file that is larger, several threads hash a piece of this many bytes each.
const PIECE: u64 = 16 << 20;

/// How often a file is read that was written to meanwhile.
const ATTEMPTS: usize = 3;

/// How many files a thread takes at once.
const SHARE: usize = 32;

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
        let buffer = || vec![0; CHUNK];
        in_shares(missing.len(), SHARE, buffer, |buffer, share| {
            for file in &missing[share] {
                let mut file = file.lock().expect("no thread panics holding it");
                let (entry, body) = &mut *file;
                **body = Some(self.read(entry, buffer)?);
            }
            Ok(())
        })
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
            sha256.update(content(file, entry.stamp.size, buffer)?);
            add_attributes(&mut sha256, file)?;
        }
        FileType::Directory => add_attributes(&mut sha256, file)?,
        FileType::Symlink => sha256.update(rustix::fs::readlinkat(file, "", Vec::new())?.to_bytes()),
        _ => {}
    }
    Ok(sha256.finalize().into())
}

/// What the content of a file comes to that had `size` bytes. It is not to be known by anybody else, so that what is quick
/// and can be shared among threads will do: BLAKE3, of a large file that of those of its pieces.
fn content(file: &OwnedFd, size: u64, buffer: &mut [u8]) -> io::Result<Body> {
    let file = File::from(file.try_clone()?);
    if size <= PIECE {
        return hash(&file, 0, u64::MAX, buffer);
    }
    let count = usize::try_from(size.div_ceil(PIECE)).map_err(|_| io::ErrorKind::FileTooLarge)?;
    let pieces = Mutex::new(vec![Body::default(); count]);
    in_shares(
        count,
        1,
        || vec![0; CHUNK],
        |buffer, share| {
            for number in share {
                let start = number as u64 * PIECE;
                let piece = hash(&file, start, start + PIECE, buffer)?;
                pieces.lock().expect("no thread panics holding it")[number] = piece;
            }
            Ok::<_, io::Error>(())
        },
    )?;
    let pieces = pieces.into_inner().expect("no thread panics holding it");
    Ok(blake3::hash(pieces.as_flattened()).into())
}

/// That of the bytes from `start` to `end`, or to where the file ends.
fn hash(file: &File, start: u64, end: u64, buffer: &mut [u8]) -> io::Result<Body> {
    let (mut hasher, mut at) = (blake3::Hasher::new(), start);
    while at < end {
        let wanted = buffer.len().min(usize::try_from(end - at).unwrap_or(usize::MAX));
        match file.read_at(&mut buffer[..wanted], at) {
            Ok(0) => break,
            Ok(count) => {
                hasher.update(&buffer[..count]);
                at += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(hasher.finalize().into())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_every_piece_counts() {
        let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
        let file = tempfile::tempfile_in(place).unwrap();
        let size = 2 * PIECE + 7;
        file.set_len(size).unwrap();
        let content = || {
            let fd = OwnedFd::from(file.try_clone().unwrap());
            content(&fd, file.metadata().unwrap().len(), &mut vec![0; CHUNK]).unwrap()
        };
        let mut seen = vec![content()];
        assert_eq!(content(), seen[0]);
        for at in [0, PIECE - 1, PIECE, 2 * PIECE - 1, 2 * PIECE, size - 1] {
            file.write_all_at(b"x", at).unwrap();
            seen.push(content());
        }
        for size in [size - 1, 2 * PIECE, PIECE + 1, PIECE, PIECE - 1] {
            file.set_len(size).unwrap();
            seen.push(content());
        }
        let count = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), count);
    }
}
