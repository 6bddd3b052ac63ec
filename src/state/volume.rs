//! Volumes on disk.

use super::record::VERSION;
use super::store::{create_root, entries, read, remove_tree, write};
use super::{Layout, StateError, VolumeRecord};
use crate::name::ProjectName;
use crate::sys::create_private_dir_all;

impl Layout {
    /// A volume's record; `None` when there is no such volume.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn read_volume(&self, name: &str) -> Result<Option<VolumeRecord>, StateError> {
        read(&self.volume(name).join("volume.json"))
    }

    /// Every volume, by name.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn read_volumes(&self) -> Result<Vec<VolumeRecord>, StateError> {
        let mut records = Vec::new();
        for name in entries(&self.volumes())? {
            records.extend(self.read_volume(&name)?);
        }
        Ok(records)
    }

    /// Makes a volume; one that exists stays as it is. True when it is new.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn create_volume(&self, record: &VolumeRecord) -> Result<bool, StateError> {
        if self.read_volume(&record.name)?.is_some() {
            return Ok(false);
        }
        create_private_dir_all(&self.volume(&record.name))?;
        create_root(&self.volume_data(&record.name))?;
        write(&self.volume(&record.name).join("volume.json"), &VolumeRecord { version: VERSION, ..record.clone() })?;
        Ok(true)
    }

    /// Removes what somebody has begun to fill a volume with.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn clear_copying(&self, name: &str) -> Result<(), StateError> {
        remove_tree(&self.volume_copying(name))
    }

    /// Removes a volume and what is in it; absent is fine.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn remove_volume(&self, name: &str) -> Result<(), StateError> {
        remove_tree(&self.volume(name))
    }

    /// The named volumes made for a project, by key.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn project_volumes(&self, project: &ProjectName) -> Result<Vec<VolumeRecord>, StateError> {
        let mut records = self.read_volumes()?;
        records.retain(|record| record.project.as_ref() == Some(project) && record.key.is_some());
        Ok(records)
    }
}
