//! Volumes on disk. One that has a name is whole: it is made, and removed, under another.

use std::io::ErrorKind;
use std::path::PathBuf;

use super::record::VERSION;
use super::store::{create_root, entries, read, remove_tree, write};
use super::{Layout, StateError, VolumeRecord};
use crate::name::ProjectName;
use crate::sys::create_private_dir_all;

/// Whether a volume may be called so on the host. It is the name of its directory: `../data` would be anywhere.
#[must_use]
pub fn is_volume_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

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

    /// Makes a volume for `project`, whose lock the caller holds; one that exists stays as it is. True when it is new.
    ///
    /// It comes to its name whole, from one moment to the next: who dies before leaves what
    /// [`Layout::remove_volume_debris`] finds.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn create_volume(&self, project: &ProjectName, record: &VolumeRecord) -> Result<bool, StateError> {
        if self.read_volume(&record.name)?.is_some() {
            return Ok(false);
        }
        let (new, volume) = (self.aside(project, &record.name)?, self.volume(&record.name));
        create_private_dir_all(&new)?;
        create_root(&new.join("data"))?;
        write(&new.join("volume.json"), &VolumeRecord { version: VERSION, ..record.clone() })?;
        let mut moved = fs_err::rename(&new, &volume);
        if moved.is_err() && self.read_volume(&record.name)?.is_none() {
            // A directory without a record is no volume: an earlier version was cut short.
            remove_tree(&volume)?;
            moved = fs_err::rename(&new, &volume);
        }
        // Another project may have made it meanwhile.
        let is_new = moved.is_ok();
        if !is_new {
            remove_tree(&new)?;
            self.read_volume(&record.name)?.ok_or_else(|| moved.err().unwrap_or_else(|| ErrorKind::Other.into()))?;
        }
        self.leave_aside(project);
        Ok(is_new)
    }

    /// Removes what somebody has begun to fill a volume with.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn clear_copying(&self, name: &str) -> Result<(), StateError> {
        remove_tree(&self.volume_copying(name))
    }

    /// Removes a volume and what is in it for `project`, whose lock the caller holds; absent is fine. It is gone at once,
    /// however long its files take.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn remove_volume(&self, project: &ProjectName, name: &str) -> Result<(), StateError> {
        let gone = self.aside(project, name)?;
        match fs_err::rename(self.volume(name), &gone) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            _ => remove_tree(&gone)?,
        }
        self.leave_aside(project);
        Ok(())
    }

    /// Whether a supervisor that died has left volumes of `project` half made or half removed.
    #[must_use]
    pub fn has_volume_debris(&self, project: &ProjectName) -> bool {
        self.volumes_aside(project).exists()
    }

    /// Removes what a supervisor that died has left of volumes half made or half removed.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn remove_volume_debris(&self, project: &ProjectName) -> Result<(), StateError> {
        remove_tree(&self.volumes_aside(project))
    }

    /// Where a volume of this name is made or removed: nothing is there.
    fn aside(&self, project: &ProjectName, name: &str) -> Result<PathBuf, StateError> {
        let aside = self.volumes_aside(project);
        create_private_dir_all(&aside)?;
        remove_tree(&aside.join(name))?;
        Ok(aside.join(name))
    }

    fn leave_aside(&self, project: &ProjectName) {
        // Not empty when something could not be removed: the next supervisor tries again.
        let _ = fs_err::remove_dir(self.volumes_aside(project));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str) -> VolumeRecord {
        VolumeRecord {
            version: VERSION,
            name: name.to_owned(),
            project: None,
            key: None,
            created_at: jiff::Timestamp::UNIX_EPOCH,
            labels: [].into(),
            hash: None,
            fields: [].into(),
        }
    }

    /// What is in a directory.
    fn names(layout: &Layout) -> Vec<String> {
        entries(&layout.volumes()).unwrap()
    }

    #[test]
    fn volumes_come_and_go_whole() {
        let directory = tempfile::tempdir().unwrap();
        let layout = Layout::new(directory.path().join("root"), directory.path().join("run"));
        let shop = ProjectName::new("shop").unwrap();
        assert!(layout.create_volume(&shop, &record("data")).unwrap());
        fs_err::write(layout.volume_data("data").join("kept"), "").unwrap();
        assert!(!layout.create_volume(&shop, &record("data")).unwrap());
        assert!(layout.volume_data("data").join("kept").exists());
        assert_eq!(names(&layout), ["data"]);
        layout.remove_volume(&shop, "data").unwrap();
        layout.remove_volume(&shop, "data").unwrap();
        assert_eq!(names(&layout), [""; 0]);
    }

    #[test]
    fn what_was_cut_short_is_no_volume_and_goes() {
        let directory = tempfile::tempdir().unwrap();
        let layout = Layout::new(directory.path().join("root"), directory.path().join("run"));
        let shop = ProjectName::new("shop").unwrap();
        // Cut short while it was made or removed.
        let aside = layout.aside(&shop, "data").unwrap();
        fs_err::create_dir_all(aside.join("data/files")).unwrap();
        assert!(layout.has_volume_debris(&shop));
        assert_eq!(layout.read_volumes().unwrap(), []);
        layout.remove_volume_debris(&shop).unwrap();
        assert!(!layout.has_volume_debris(&shop));
        assert_eq!(names(&layout), [""; 0]);
        // An earlier version wrote the record last.
        fs_err::create_dir_all(layout.volume_data("data").join("files")).unwrap();
        assert!(layout.create_volume(&shop, &record("data")).unwrap());
        assert!(!layout.volume_data("data").join("files").exists());
        assert_eq!(names(&layout), ["data"]);
    }
}
