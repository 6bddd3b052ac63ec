//! What the files of a context come to, kept on disk so that an unchanged file costs one `statx(2)`.
//!
//! ```text
//! magic version  sha256 of the rest
//! path of the context
//! per file: length path  inode size mtime ctime  body (32 bytes)  age
//! ```
//!
//! A file that has the stamp it had then has the body it had then: no program can set a ctime. One thing could go wrong: a
//! file written twice within one tick of the clock, and read in between, has the stamp of both. Like git's, this index
//! therefore keeps nothing about a file whose times are not older than the moment before it was read; it is read again
//! next time. A file system that counts whole seconds has longer ticks.
//!
//! Whatever is wrong with an index, it counts as empty.

use std::collections::HashMap;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use foldhash::fast::RandomState;
use rustix::time::{ClockId, clock_gettime};
use sha2::{Digest as _, Sha256};

use super::entry::Stamp;
use crate::sys::write_atomic;

const MAGIC: &[u8; 16] = b"rcompose-index\0\x02";

/// How many changes of the index an entry outlives that nobody asked for.
const MAX_AGE: u8 = 20;

/// More than a context of a few million files needs.
const MAX_BYTES: u64 = 1 << 30;

/// What a file's content and attributes come to.
pub(in crate::build) type Body = [u8; 32];

/// By path.
type Entries = HashMap<Box<[u8]>, Known, RandomState>;

/// An index of the files of one context.
#[derive(Debug)]
pub struct Index {
    file: PathBuf,
    context: PathBuf,
    entries: Entries,
    is_changed: bool,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    stamp: Stamp,
    body: Body,
    /// How many times the index was written since somebody asked.
    age: u8,
    was_asked: bool,
}

/// The moment before a file was read.
#[derive(Debug, Clone, Copy)]
pub(in crate::build) struct Before(i64);

impl Before {
    pub(in crate::build) fn now() -> Self {
        // The clock by which the kernel stamps files.
        let now = clock_gettime(ClockId::RealtimeCoarse);
        Self(now.tv_sec.saturating_mul(1_000_000_000).saturating_add(now.tv_nsec))
    }

    /// Whether nobody can have written to the file since without its stamp telling.
    fn is_after(self, stamp: &Stamp) -> bool {
        const SECOND: i64 = 1_000_000_000;
        let latest = stamp.modified.max(stamp.changed);
        let counts_seconds = stamp.modified % SECOND == 0 && stamp.changed % SECOND == 0;
        if counts_seconds { latest / SECOND < self.0 / SECOND } else { latest < self.0 }
    }
}

impl Index {
    /// The index of the directory `context`, kept in the directory `place`, which exists. What cannot be read is empty.
    #[must_use]
    pub fn load(place: &Path, context: &Path) -> Self {
        let name = hex::encode(&Sha256::digest(context.as_os_str().as_bytes())[..16]);
        let file = place.join(name);
        let small = |file: &Path| fs_err::metadata(file).is_ok_and(|status| status.len() <= MAX_BYTES);
        let bytes = if small(&file) { fs_err::read(&file).unwrap_or_default() } else { Vec::new() };
        let entries = parse(&bytes, context).unwrap_or_default();
        Self { file, context: context.to_owned(), entries, is_changed: false }
    }

    /// How many files it knows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it knows none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What the file at `path` comes to if it still has the stamp of then.
    pub(in crate::build) fn get(&mut self, path: &Path, stamp: &Stamp) -> Option<Body> {
        let known = self.entries.get_mut(path.as_os_str().as_bytes())?;
        known.was_asked = true;
        (known.stamp == *stamp).then_some(known.body)
    }

    /// Keeps what the file at `path` came to when it was read after `before` and had `stamp` afterwards.
    pub(in crate::build) fn put(&mut self, path: &Path, stamp: Stamp, body: Body, before: Before) {
        let path = path.as_os_str().as_bytes();
        if before.is_after(&stamp) {
            self.is_changed = true;
            self.entries.insert(path.into(), Known { stamp, body, age: 0, was_asked: true });
        } else if self.entries.remove(path).is_some() {
            self.is_changed = true;
        }
    }

    /// Writes it if there is something new: to a temporary file, which then takes its place.
    ///
    /// # Errors
    /// What the system says, with the path.
    pub fn save(&mut self) -> io::Result<()> {
        if !self.is_changed {
            return Ok(());
        }
        for known in self.entries.values_mut() {
            known.age = if known.was_asked { 0 } else { known.age.saturating_add(1) };
        }
        self.entries.retain(|_, known| known.age <= MAX_AGE);
        write_atomic(&self.file, &self.bytes())?;
        self.is_changed = false;
        Ok(())
    }

    fn bytes(&self) -> Vec<u8> {
        let mut rest = Vec::with_capacity(self.entries.len() * 128);
        put_text(&mut rest, self.context.as_os_str().as_bytes());
        for (path, Known { stamp, body, age, .. }) in &self.entries {
            put_text(&mut rest, path);
            for number in [stamp.inode, stamp.size, stamp.modified.cast_unsigned(), stamp.changed.cast_unsigned()] {
                rest.extend(number.to_le_bytes());
            }
            rest.extend(body);
            rest.push(*age);
        }
        let mut bytes = MAGIC.to_vec();
        bytes.extend(Sha256::digest(&rest));
        bytes.extend(rest);
        bytes
    }
}

fn put_text(bytes: &mut Vec<u8>, text: &[u8]) {
    // A path is at most 4096 bytes long.
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    bytes.extend(length.to_le_bytes());
    bytes.extend(&text[..usize::from(length)]);
}

fn parse(bytes: &[u8], context: &Path) -> Option<Entries> {
    let (digest, rest) = bytes.strip_prefix(MAGIC)?.split_at_checked(32)?;
    if Sha256::digest(rest).as_slice() != digest {
        return None;
    }
    let mut reader = Reader(rest);
    if reader.text()? != context.as_os_str().as_bytes() {
        return None;
    }
    let mut entries = Entries::with_capacity_and_hasher(rest.len() / 100, RandomState::default());
    while !reader.0.is_empty() {
        let path = reader.text()?;
        let (inode, size) = (reader.number()?, reader.number()?);
        let (modified, changed) = (reader.number()?.cast_signed(), reader.number()?.cast_signed());
        let body = *reader.array()?;
        let [age] = *reader.array()?;
        let stamp = Stamp { inode, size, modified, changed };
        entries.insert(path.into(), Known { stamp, body, age, was_asked: false });
    }
    Some(entries)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(array)
    }

    fn number(&mut self) -> Option<u64> {
        self.array().map(|bytes| u64::from_le_bytes(*bytes))
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let length = self.array().map(|bytes| u16::from_le_bytes(*bytes))?;
        let (text, rest) = self.0.split_at_checked(length.into())?;
        self.0 = rest;
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Stamp = Stamp { inode: 7, size: 5, modified: 1_000_000_001, changed: 2_000_000_001 };
    const LATER: Before = Before(9_000_000_000);

    fn context() -> &'static Path {
        Path::new("/srv/project")
    }

    fn saved() -> (tempfile::TempDir, PathBuf) {
        let place = tempfile::tempdir().unwrap();
        let mut index = Index::load(place.path(), context());
        index.put(Path::new("a/b"), STAMP, [1; 32], LATER);
        index.put(Path::new("c"), STAMP, [2; 32], LATER);
        index.save().unwrap();
        let file = fs_err::read_dir(place.path()).unwrap().next().unwrap().unwrap().path();
        (place, file)
    }

    #[test]
    fn what_was_saved_is_known_by_the_same_stamp_only() {
        let (place, _) = saved();
        let mut index = Index::load(place.path(), context());
        assert_eq!(index.len(), 2);
        assert_eq!(index.get(Path::new("a/b"), &STAMP), Some([1; 32]));
        for other in [
            Stamp { inode: 8, ..STAMP },
            Stamp { size: 6, ..STAMP },
            Stamp { modified: 1_000_000_002, ..STAMP },
            Stamp { changed: 2_000_000_002, ..STAMP },
        ] {
            assert_eq!(index.get(Path::new("a/b"), &other), None);
        }
        assert_eq!(index.get(Path::new("a"), &STAMP), None);
    }

    #[test]
    fn nothing_is_written_when_nothing_is_new() {
        let (place, file) = saved();
        fs_err::remove_file(&file).unwrap();
        let mut index = Index::load(place.path(), context());
        index.save().unwrap();
        assert!(!file.exists());
    }

    #[test]
    fn a_file_that_may_have_been_written_since_is_not_known() {
        // (the file's time, when it was read, whether it is kept)
        for (time, before, expected) in [
            (2_000_000_001, 2_000_000_002, true),
            (2_000_000_001, 2_000_000_001, false),
            (2_000_000_002, 2_000_000_001, false),
            // Whole seconds: the file system may know no finer ones.
            (2_000_000_000, 2_999_999_999, false),
            (2_000_000_000, 3_000_000_000, true),
        ] {
            let place = tempfile::tempdir().unwrap();
            let mut index = Index::load(place.path(), context());
            let stamp = Stamp { modified: time, changed: time, ..STAMP };
            index.put(Path::new("file"), stamp, [1; 32], Before(before));
            assert_eq!(index.get(Path::new("file"), &stamp).is_some(), expected, "{time} {before}");
        }
    }

    #[test]
    fn a_known_file_that_is_read_within_the_tick_is_forgotten() {
        let place = tempfile::tempdir().unwrap();
        let mut index = Index::load(place.path(), context());
        index.put(Path::new("file"), STAMP, [1; 32], LATER);
        let new = Stamp { changed: 9_000_000_000, ..STAMP };
        index.put(Path::new("file"), new, [2; 32], LATER);
        assert!(index.is_empty());
    }

    #[test]
    fn a_broken_or_foreign_index_is_empty() {
        let (place, file) = saved();
        let good = fs_err::read(&file).unwrap();
        for at in [0, 15, 20, 48, 60, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs_err::write(&file, bad).unwrap();
            assert!(Index::load(place.path(), context()).is_empty(), "byte {at}");
        }
        for length in [0, 1, 16, 47, 48, 49, good.len() - 1] {
            fs_err::write(&file, &good[..length]).unwrap();
            assert!(Index::load(place.path(), context()).is_empty(), "{length} bytes");
        }
        // Of another directory, under this one's name.
        let other = Path::new("/srv/other");
        let mut index = Index::load(place.path(), other);
        index.put(Path::new("c"), STAMP, [3; 32], LATER);
        index.save().unwrap();
        fs_err::rename(&index.file, &file).unwrap();
        assert!(Index::load(place.path(), context()).is_empty());
        fs_err::write(&file, good).unwrap();
        assert_eq!(Index::load(place.path(), context()).len(), 2);
    }

    #[test]
    fn what_nobody_asks_for_is_dropped_at_last() {
        let (place, _) = saved();
        for round in 0..=i64::from(MAX_AGE) {
            let mut index = Index::load(place.path(), context());
            assert_eq!(index.len(), 2, "round {round}");
            index.put(Path::new("c"), Stamp { modified: round, ..STAMP }, [2; 32], LATER);
            index.save().unwrap();
        }
        let mut index = Index::load(place.path(), context());
        assert_eq!(index.get(Path::new("a/b"), &STAMP), None);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let mut whole = MAGIC.to_vec();
            whole.extend(Sha256::digest(&bytes));
            whole.extend(&bytes);
            let _ = parse(&whole, context());
            let _ = parse(&bytes, context());
        }
    }
}
