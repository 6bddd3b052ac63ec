//! What a shim leaves in its container's directory: `status.json` once it runs, `exit.json` once it has ended.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::RuntimeError;

pub(super) const CONFIG: &str = "config.json";
pub(super) const STATUS: &str = "status.json";
pub(super) const EXIT: &str = "exit.json";
const VERSION: u32 = 1;

/// A process that can be found again: a pid and when it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ProcessRecord {
    pub(super) pid: i32,
    pub(super) start_time: u64,
}

/// A container that runs, or did.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StatusRecord {
    pub(super) version: u32,
    pub(super) shim: ProcessRecord,
    pub(super) init: ProcessRecord,
    pub(super) started_at: Timestamp,
}

impl StatusRecord {
    pub(super) fn new(shim: ProcessRecord, init: ProcessRecord) -> Self {
        Self { version: VERSION, shim, init, started_at: Timestamp::now() }
    }
}

/// How a container ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitStatus {
    /// Of this record's form.
    version: u32,
    /// What the program returned, or 128 + the signal that ended it.
    pub code: i32,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Whether the kernel killed a process of the container for want of memory.
    pub oom: bool,
    /// When its program was executed.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
}

impl ExitStatus {
    /// Of one that was killed with its shim: when is not known, but not before it started.
    fn killed(status: &StatusRecord) -> Self {
        let started_at = status.started_at;
        Self { version: VERSION, code: 137, signal: Some(9), oom: false, started_at, finished_at: started_at }
    }

    pub(super) fn new(code: i32, signal: Option<i32>, oom: bool, started_at: Timestamp) -> Self {
        Self { version: VERSION, code, signal, oom, started_at, finished_at: Timestamp::now() }
    }

    /// Reads how the container of this run directory ended; `None` when there is no record of that.
    ///
    /// # Errors
    /// [`RuntimeError::Record`].
    pub fn read(directory: &Path) -> Result<Option<Self>, RuntimeError> {
        read(directory, EXIT)
    }

    /// How the container of this run directory ended, whose shim is gone: without a record of it the shim was killed, and it
    /// counts as killed too. `None` when it has never run.
    ///
    /// # Errors
    /// [`RuntimeError::Record`].
    pub fn read_or_killed(directory: &Path) -> Result<Option<Self>, RuntimeError> {
        match Self::read(directory)? {
            Some(exit) => Ok(Some(exit)),
            None => Ok(read::<StatusRecord>(directory, STATUS)?.as_ref().map(Self::killed)),
        }
    }
}

/// How much room [`reserve`] makes, in bytes: more than the records that it is for take.
const RESERVED: usize = 1024;

/// Writes a record whole or not at all. The directory is on a file system that does not survive a reboot, nor do
/// containers: nothing is synced.
pub(super) fn write<T: Serialize>(directory: &Path, name: &str, record: &T) -> Result<(), RuntimeError> {
    let path = directory.join(name);
    let result = (|| -> io::Result<()> {
        let mut text = serde_json::to_vec(record)?;
        let temporary = temporary(directory, name);
        let mut file = open(&temporary)?;
        // In place of what is there, so that the room that was reserved is used; spaces at the end mean nothing.
        let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
        if length <= RESERVED {
            text.resize(text.len().max(length), b' ');
        } else {
            file.set_len(0)?;
        }
        file.write_all(&text)?;
        fs_err::rename(&temporary, &path)
    })();
    result.map_err(|source| RuntimeError::Record { action: "write", path, source })
}

/// Sees to it that a small record can be written later, whatever becomes of the disk.
pub(super) fn reserve(directory: &Path, name: &str) -> Result<(), RuntimeError> {
    let path = temporary(directory, name);
    let result = open(&path).and_then(|mut file| file.write_all(&[b' '; RESERVED]));
    result.map_err(|source| RuntimeError::Record { action: "write", path, source })
}

fn temporary(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}.new"))
}

/// The environment in a configuration may hold passwords: it is its owner's alone.
fn open(path: &Path) -> io::Result<fs_err::File> {
    let mut options = fs_err::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    fs_err::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600).open(path)
}

/// Removes a record; absent is fine.
pub(super) fn remove(directory: &Path, name: &str) -> Result<(), RuntimeError> {
    let path = directory.join(name);
    match fs_err::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(RuntimeError::Record { action: "remove", path, source: error })
        }
        _ => Ok(()),
    }
}

/// Reads a record; `None` when there is none.
pub(super) fn read<T: DeserializeOwned>(directory: &Path, name: &str) -> Result<Option<T>, RuntimeError> {
    let path: PathBuf = directory.join(name);
    match fs_err::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        result => result
            .and_then(|text| Ok(Some(serde_json::from_slice(&text)?)))
            .map_err(|source| RuntimeError::Record { action: "read", path, source }),
    }
}
