//! The records of programs of the host that are on networks of a project.

use serde::{Deserialize, Serialize};

use super::record::Versioned;
use super::store::{entries, read, remove_tree, write};
use super::{EndpointRecord, ProjectLayout, StateError};
use crate::sys::create_private_dir_all;

/// The record of a lease, in the directory of its files.
const RECORD: &str = "lease.json";

/// A program of the host with places on networks of a project, for as long as it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseRecord {
    /// Format version.
    pub version: u32,
    /// Its process id.
    pub pid: u32,
    /// When the process began: with the pid, its identity.
    pub start_time: u64,
    /// The number of the network namespace that it is in.
    pub netns: u64,
    /// What the names of its links on the host have in common, behind the prefix of all.
    pub link: String,
    /// What it was asked to run, for messages.
    pub command: String,
    /// Its places on networks.
    pub endpoints: Vec<EndpointRecord>,
}

impl Versioned for LeaseRecord {
    fn version(&self) -> u32 {
        self.version
    }
}

impl ProjectLayout {
    /// Every lease.
    ///
    /// # Errors
    /// [`StateError`] when a record cannot be read.
    pub fn read_leases(&self) -> Result<Vec<LeaseRecord>, StateError> {
        let mut records = Vec::new();
        for name in entries(&self.leases())? {
            records.extend(read(&self.leases().join(name).join(RECORD))?);
        }
        Ok(records)
    }

    /// Writes a lease.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn write_lease(&self, record: &LeaseRecord) -> Result<(), StateError> {
        let path = self.lease_file(record.pid, RECORD);
        create_private_dir_all(path.parent().unwrap_or(&path))?;
        write(&path, record)
    }

    /// Removes a lease with its files; absent is fine.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn remove_lease(&self, pid: u32) -> Result<(), StateError> {
        remove_tree(&self.leases().join(pid.to_string()))
    }
}
