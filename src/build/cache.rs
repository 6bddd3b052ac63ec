//! What steps have made before: records on disk, by key.
//!
//! ```text
//! ROOT/                  mode 0700
//!   keys/ab/cdef…        a record: the layer that the step of this key adds; read last when the file was touched last
//!   made/sha256-<id>     an image of the store that a build has made: one without a name is not kept for ever
//!   bases/…              the configuration of an image for another machine, which has no name in the store
//!   collected            touched when it was looked last whether there is too much
//!   locks/abc            held while a step whose key starts so is made: another build waits for it and has it then
//! ```
//!
//! A record says something only as long as its layer is in the image store: layers are the truth, records only lead to them.
//! What cannot be read is as good as absent.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::key::KeyMaker;
use crate::image::{Blueprint, Digest};
use crate::name::ImageReference;
use crate::sys::{FileLock, create_private_dir_all, write_atomic};

/// The version of the records written here; one of another version counts as absent.
const VERSION: u32 = 1;

/// How often a build that waits for another one's step looks whether it is to be given up.
const LOOK: Duration = Duration::from_millis(50);

/// The records of one machine.
#[derive(Debug, Clone)]
pub struct Cache {
    root: PathBuf,
}

/// What a step has made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The layer that it adds; `None` when it has changed nothing.
    pub layer: Option<Digest>,
    /// When it was made.
    pub created: Timestamp,
    /// What it is called, for people.
    pub name: String,
}

#[derive(Serialize, Deserialize)]
struct Written {
    version: u32,
    #[serde(flatten)]
    record: Record,
}

/// A record as `df` and `prune` see it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What it says.
    pub record: Record,
    /// When it was used last.
    pub used: SystemTime,
    path: PathBuf,
}

impl Cache {
    /// Opens the cache at `root`, making it when it is missing.
    ///
    /// # Errors
    /// What `mkdir(2)` says, with the path.
    pub fn open(root: &Path) -> io::Result<Self> {
        for directory in ["keys", "locks", "made"] {
            create_private_dir_all(&root.join(directory))?;
        }
        Ok(Self { root: root.to_owned() })
    }

    /// A directory of the cache's own for something else that builds keep; made when it is missing.
    ///
    /// # Errors
    /// What `mkdir(2)` says, with the path.
    pub fn directory(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.root.join(name);
        create_private_dir_all(&path)?;
        Ok(path)
    }

    /// What the step with this key has made, if it is known. Counts as a use.
    #[must_use]
    pub fn get(&self, key: Digest) -> Option<Record> {
        let path = self.path(key);
        let written: Written = serde_json::from_slice(&fs_err::read(&path).ok()?).ok()?;
        let now = std::fs::FileTimes::new().set_modified(SystemTime::now());
        // That it was used is not worth an error.
        let _ = fs_err::OpenOptions::new().write(true).open(&path).and_then(|file| file.set_times(now));
        (written.version == VERSION).then_some(written.record)
    }

    /// Keeps what the step with this key has made.
    ///
    /// # Errors
    /// What the system says, with the path.
    pub fn put(&self, key: Digest, record: &Record) -> io::Result<()> {
        let path = self.path(key);
        create_private_dir_all(path.parent().unwrap_or(&self.root))?;
        let written = Written { version: VERSION, record: record.clone() };
        let bytes = serde_json::to_vec(&written).expect("records have string keys and no failing fields");
        write_atomic(&path, &bytes)
    }

    /// Waits until nobody else makes the step with this key; `None` when `cancelled` turns true first.
    ///
    /// # Errors
    /// What the system says, with the path.
    pub fn lock(&self, key: Digest, cancelled: impl Fn() -> bool) -> io::Result<Option<FileLock>> {
        // One file a key would be litter for ever: a lock file in use cannot be removed without a race.
        let path = self.root.join("locks").join(&key.hex()[..3]);
        loop {
            if let Some(lock) = FileLock::try_exclusive(&path)? {
                return Ok(Some(lock));
            }
            if cancelled() {
                return Ok(None);
            }
            // There is no wait for a lock that something else can end.
            std::thread::sleep(LOOK);
        }
    }

    /// All records, in no order; what cannot be read is left out.
    ///
    /// # Errors
    /// What the system says of a directory, with its path.
    pub fn entries(&self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for directory in fs_err::read_dir(self.root.join("keys"))? {
            for file in fs_err::read_dir(directory?.path())? {
                let path = file?.path();
                let Ok(bytes) = fs_err::read(&path) else { continue };
                let Ok(Written { record, .. }) = serde_json::from_slice(&bytes) else { continue };
                let Ok(used) = fs_err::metadata(&path).and_then(|metadata| metadata.modified()) else { continue };
                entries.push(Entry { record, used, path });
            }
        }
        Ok(entries)
    }

    /// Forgets a record.
    ///
    /// # Errors
    /// What the system says, with the path.
    pub fn forget(&self, entry: &Entry) -> io::Result<()> {
        absent(fs_err::remove_file(&entry.path))
    }

    /// What an image for another machine was made of when it was brought last.
    #[must_use]
    pub fn base(&self, reference: &ImageReference, platform: &str) -> Option<Blueprint> {
        Blueprint::read(&fs_err::read_to_string(self.base_path(reference, platform)).ok()?).ok()
    }

    /// Remembers what an image for another machine is made of.
    ///
    /// # Errors
    /// What the system says, with the path.
    pub fn put_base(&self, reference: &ImageReference, platform: &str, blueprint: &Blueprint) -> io::Result<()> {
        let path = self.base_path(reference, platform);
        create_private_dir_all(path.parent().unwrap_or(&self.root))?;
        write_atomic(&path, blueprint.document().as_bytes())
    }

    fn base_path(&self, reference: &ImageReference, platform: &str) -> PathBuf {
        let key = KeyMaker::new("base").with("reference", reference.to_string()).with("platform", platform).finish();
        self.root.join("bases").join(key.file_name())
    }

    /// Whether so much time has passed since this was true last; it is true again after as much.
    ///
    /// # Errors
    /// What the system says, with the path.
    pub fn is_due(&self, every: Duration) -> io::Result<bool> {
        let path = self.root.join("collected");
        let last = fs_err::metadata(&path).and_then(|metadata| metadata.modified());
        // A time to come is no reason to wait for it.
        if last.is_ok_and(|last| last.elapsed().is_ok_and(|elapsed| elapsed < every)) {
            return Ok(false);
        }
        fs_err::write(path, "").map(|()| true)
    }

    /// Notes that a build has made an image.
    ///
    /// # Errors
    /// What the system says, with the path.
    pub fn note_made(&self, image: Digest) -> io::Result<()> {
        let path = self.made_path(image);
        if path.exists() { Ok(()) } else { fs_err::write(path, "") }
    }

    /// The images that builds have made.
    ///
    /// # Errors
    /// What the system says, with the path.
    pub fn made(&self) -> io::Result<BTreeSet<Digest>> {
        let mut made = BTreeSet::new();
        for entry in fs_err::read_dir(self.root.join("made"))? {
            made.extend(entry?.file_name().to_string_lossy().replacen('-', ":", 1).parse::<Digest>());
        }
        Ok(made)
    }

    /// Forgets that a build has made an image.
    ///
    /// # Errors
    /// What the system says, with the path.
    pub fn unmake(&self, image: Digest) -> io::Result<()> {
        absent(fs_err::remove_file(self.made_path(image)))
    }

    fn made_path(&self, image: Digest) -> PathBuf {
        self.root.join("made").join(image.file_name())
    }

    fn path(&self, key: Digest) -> PathBuf {
        let hex = key.hex();
        self.root.join("keys").join(&hex[..2]).join(&hex[2..])
    }
}

/// What is not there need not be removed.
fn absent(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache() -> (tempfile::TempDir, Cache) {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(&directory.path().join("build")).unwrap();
        (directory, cache)
    }

    fn record() -> Record {
        let created = Timestamp::from_second(1_700_000_000).unwrap();
        Record { layer: Some(Digest::of(b"layer")), created, name: "RUN make".to_owned() }
    }

    #[test]
    fn what_is_put_is_found_and_what_is_damaged_is_not() {
        let (_directory, cache) = cache();
        let key = Digest::of(b"key");
        assert_eq!(cache.get(key), None);
        cache.put(key, &record()).unwrap();
        assert_eq!(cache.get(key), Some(record()));
        assert_eq!(cache.get(Digest::of(b"other")), None);
        let empty = Record { layer: None, ..record() };
        cache.put(key, &empty).unwrap();
        assert_eq!(cache.get(key), Some(empty));
        for damaged in ["", "{", r#"{"version": 2}"#, "\0\0"] {
            fs_err::write(cache.path(key), damaged).unwrap();
            assert_eq!(cache.get(key), None, "{damaged}");
        }
        let newer = serde_json::to_string(&Written { version: 2, record: record() }).unwrap();
        fs_err::write(cache.path(key), newer).unwrap();
        assert_eq!(cache.get(key), None);
    }

    #[test]
    fn a_use_is_remembered() {
        let (_directory, cache) = cache();
        let key = Digest::of(b"key");
        cache.put(key, &record()).unwrap();
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        let file = fs_err::OpenOptions::new().write(true).open(cache.path(key)).unwrap();
        file.set_times(std::fs::FileTimes::new().set_modified(long_ago)).unwrap();
        assert_eq!(cache.entries().unwrap()[0].used, long_ago);
        cache.get(key).unwrap();
        let entries = cache.entries().unwrap();
        assert!(entries[0].used > long_ago && entries[0].record == record());
        cache.forget(&entries[0]).unwrap();
        assert!(cache.get(key).is_none() && cache.entries().unwrap().is_empty());
        cache.forget(&entries[0]).unwrap();
    }

    #[test]
    fn now_and_then() {
        let (_directory, cache) = cache();
        assert!(cache.is_due(LOOK * 1000).unwrap() && !cache.is_due(LOOK * 1000).unwrap());
        assert!(cache.is_due(Duration::ZERO).unwrap());
    }

    #[test]
    fn one_makes_a_step_at_a_time() {
        let (_directory, cache) = cache();
        let key = Digest::of(b"key");
        let held = cache.lock(key, || false).unwrap().unwrap();
        assert!(cache.lock(key, || true).unwrap().is_none());
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let lock = cache.lock(key, || false).unwrap();
                tell.send(lock.is_some()).unwrap();
            });
            assert!(told.try_recv().is_err());
            drop(held);
            assert!(told.recv().unwrap());
        });
    }
}
