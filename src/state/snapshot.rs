//! Snapshots of volumes on disk. One that has a name is whole: it is made, and removed, under another.

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde::{Deserialize, Serialize};

use super::record::{VERSION, Versioned};
use super::store::{create_root, entries, read, remove_file, remove_tree, write};
use super::{Layout, ProjectLayout, StateError, VolumeRecord};
use crate::name::{ContainerId, ProjectName, SnapshotName};
use crate::sys::create_private_dir_all;

/// A snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotRecord {
    /// Format version.
    pub version: u32,
    /// Its name.
    pub name: SnapshotName,
    /// When it was made.
    pub created_at: jiff::Timestamp,
    /// The volumes.
    pub volumes: Vec<SavedVolume>,
}

/// A volume in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedVolume {
    /// What the project calls it.
    pub key: String,
    /// The volume as it was made.
    pub volume: VolumeRecord,
    /// How many bytes its files take up.
    pub size: u64,
}

impl Versioned for SnapshotRecord {
    fn version(&self) -> u32 {
        self.version
    }
}

/// Containers that are paused until the supervisor has done something.
#[derive(Debug, Serialize, Deserialize)]
struct HeldRecord {
    version: u32,
    containers: Vec<ContainerId>,
}

impl Versioned for HeldRecord {
    fn version(&self) -> u32 {
        self.version
    }
}

/// One that is being made.
const NEW: &str = ".new";
/// One that is being removed.
const GONE: &str = ".gone";
const RECORD: &str = "snapshot.json";

impl Layout {
    /// A project's snapshot; `None` when there is none of that name.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn read_snapshot(
        &self,
        project: &ProjectName,
        name: &SnapshotName,
    ) -> Result<Option<SnapshotRecord>, StateError> {
        read(&self.snapshots(project).join(name.as_str()).join(RECORD))
    }

    /// A project's snapshots, the oldest first.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn read_snapshots(&self, project: &ProjectName) -> Result<Vec<SnapshotRecord>, StateError> {
        let mut records: Vec<SnapshotRecord> = Vec::new();
        for name in entries(&self.snapshots(project))?.into_iter().filter_map(|name| SnapshotName::new(name).ok()) {
            records.extend(self.read_snapshot(project, &name)?);
        }
        records.sort_by(|a, b| (a.created_at, &a.name).cmp(&(b.created_at, &b.name)));
        Ok(records)
    }

    /// Removes what a supervisor that died has left of snapshots half made, half restored or half removed.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn remove_snapshot_debris(&self, project: &ProjectName) -> Result<(), StateError> {
        let snapshots = self.snapshots(project);
        if !snapshots.exists() {
            return Ok(());
        }
        remove_tree(&snapshots.join(NEW))?;
        remove_tree(&snapshots.join(GONE))?;
        for snapshot in self.read_snapshots(project)? {
            for saved in snapshot.volumes {
                remove_tree(&self.volume_incoming(&saved.volume.name))?;
            }
        }
        Ok(())
    }

    /// The empty directory that a volume is to be copied to, of the snapshot that [`Layout::keep_snapshot`] gives its name.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn new_in_snapshot(&self, project: &ProjectName, volume: &str) -> Result<PathBuf, StateError> {
        let new = self.snapshots(project).join(NEW).join("volumes");
        create_private_dir_all(&new)?;
        let directory = new.join(volume);
        create_root(&directory)?;
        Ok(directory)
    }

    /// Gives a snapshot whose volumes are copied its record and its name, in place of the one that has it. Nothing is synced,
    /// as with all else here: it would wait for whatever others write.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn keep_snapshot(&self, project: &ProjectName, record: &SnapshotRecord) -> Result<(), StateError> {
        let (snapshots, new) = (self.snapshots(project), self.snapshots(project).join(NEW));
        write(&new.join(RECORD), record)?;
        let kept = snapshots.join(record.name.as_str());
        match fs_err::rename(&new, &kept) {
            Err(error) if matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists) => {
                exchange(&new, &kept)?;
                remove_tree(&new)
            }
            renamed => Ok(renamed?),
        }
    }

    /// Removes what has been copied of a snapshot that comes to nothing.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn drop_snapshot(&self, project: &ProjectName) -> Result<(), StateError> {
        remove_tree(&self.snapshots(project).join(NEW))?;
        self.leave_snapshots(project);
        Ok(())
    }

    /// Removes a snapshot.
    ///
    /// # Errors
    /// [`StateError::Io`]; absent is an error.
    pub fn remove_snapshot(&self, project: &ProjectName, name: &SnapshotName) -> Result<(), StateError> {
        let gone = self.snapshots(project).join(GONE);
        remove_tree(&gone)?;
        fs_err::rename(self.snapshots(project).join(name.as_str()), &gone)?;
        remove_tree(&gone)?;
        self.leave_snapshots(project);
        Ok(())
    }

    /// Removes the directories of a project that has no snapshots.
    fn leave_snapshots(&self, project: &ProjectName) {
        // Not empty: it has.
        let _ = fs_err::remove_dir(self.snapshots(project));
        let _ = fs_err::remove_dir(self.root().join("snapshots"));
    }

    /// The empty directory that is to take the place of a volume's data.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn begin_volume(&self, name: &str) -> Result<PathBuf, StateError> {
        let incoming = self.volume_incoming(name);
        remove_tree(&incoming)?;
        create_root(&incoming)?;
        Ok(incoming)
    }

    /// Puts what has come in in the place of a volume's data, from one moment to the next. What was there is removed by
    /// [`Layout::drop_incoming`].
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn take_incoming(&self, name: &str) -> Result<(), StateError> {
        exchange(&self.volume_incoming(name), &self.volume_data(name))?;
        // What a new volume was to be filled with is not to be added to it.
        remove_tree(&self.volume_copying(name))?;
        remove_tree(&self.volume_copied(name))
    }

    /// Removes what came in and was not taken, or what it has replaced; absent is fine.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn drop_incoming(&self, name: &str) -> Result<(), StateError> {
        remove_tree(&self.volume_incoming(name))
    }
}

impl ProjectLayout {
    /// Notes which containers are paused by the supervisor itself, until it lets them go on: the next one does if it dies.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn hold(&self, containers: &[ContainerId]) -> Result<(), StateError> {
        if containers.is_empty() {
            return remove_file(&self.held());
        }
        write(&self.held(), &HeldRecord { version: VERSION, containers: containers.to_vec() })
    }

    /// The containers that a supervisor has left paused.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn read_held(&self) -> Result<Vec<ContainerId>, StateError> {
        Ok(read::<HeldRecord>(&self.held())?.map(|record| record.containers).unwrap_or_default())
    }
}

fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).map_err(|errno| {
        let error = io::Error::from(errno);
        io::Error::new(error.kind(), format!("cannot exchange `{}` and `{}`: {error}", one.display(), other.display()))
    })
}
