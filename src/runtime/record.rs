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
}

/// Writes a record whole or not at all. The directory is on a file system that does not survive a reboot, nor do
/// containers: nothing is synced.
pub(super) fn write<T: Serialize>(directory: &Path, name: &str, record: &T) -> Result<(), RuntimeError> {
    let path = directory.join(name);
    let temporary = directory.join(format!("{name}.new"));
    let result = (|| -> io::Result<()> {
        // The environment in a configuration may hold passwords.
        let mut file = fs_err::OpenOptions::new();
        let mut file = fs_err::os::unix::fs::OpenOptionsExt::mode(file.write(true).create(true).truncate(true), 0o600)
            .open(&temporary)?;
        file.write_all(&serde_json::to_vec(record)?)?;
        fs_err::rename(&temporary, &path)
    })();
    result.map_err(|source| RuntimeError::Record { action: "write", path, source })
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
