//! Reading and writing records.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use fs_err as fs;
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::record::{VERSION, Versioned};
use super::{ContainerLayout, ContainerRecord, ContainerState, Layout, NetworkRecord, ProjectLayout};
use crate::name::{ContainerName, NetworkName, ProjectName};
use crate::sys::{create_one_of_many, create_private_dir_all, quota, write_atomic};

/// A failure to read or write state.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The system call failed; the error names the path.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file does not hold a record.
    #[error("`{}` is not a record of rcompose", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The record is of a later version of rcompose.
    #[error("`{}` was written by a later version of rcompose (record version {version}, this one reads {VERSION})", path.display())]
    Later {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
}

/// Reads the record at `path`; `None` when there is none.
pub(super) fn read<T: DeserializeOwned + Versioned>(path: &Path) -> Result<Option<T>, StateError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let record: T =
        serde_json::from_slice(&bytes).map_err(|source| StateError::Malformed { path: path.to_owned(), source })?;
    if record.version() > VERSION {
        return Err(StateError::Later { path: path.to_owned(), version: record.version() });
    }
    Ok(Some(record))
}

/// Writes the record at `path`, whose directory exists.
pub(super) fn write<T: Serialize>(path: &Path, record: &T) -> Result<(), StateError> {
    let bytes = serde_json::to_vec(record).map_err(|source| StateError::Malformed { path: path.to_owned(), source })?;
    Ok(write_atomic(path, &bytes)?)
}

/// The names in a directory, sorted; none when it does not exist.
pub(super) fn entries(path: &Path) -> Result<Vec<String>, StateError> {
    let directory = match fs::read_dir(path) {
        Ok(directory) => directory,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let mut names = Vec::new();
    for entry in directory {
        if let Ok(name) = entry?.file_name().into_string() {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Makes what will be a root or a volume of a container, mode 0755 whatever the umask, in a directory that is private.
pub(super) fn create_root(path: &Path) -> Result<(), StateError> {
    match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.into()),
        Ok(()) => Ok(fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))?),
    }
}

/// Removes a directory and all in it; absent is fine.
pub(super) fn remove_tree(path: &Path) -> Result<(), StateError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// Removes a file; absent is fine.
pub(super) fn remove_file(path: &Path) -> Result<(), StateError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

impl Layout {
    /// Whether the file system that containers are made on keeps what is in a directory within a size.
    #[must_use]
    pub fn keeps_quotas(&self) -> bool {
        // What is not there yet is made on the file system of what is.
        self.root().ancestors().find_map(|path| fs::File::open(path).ok()).is_some_and(quota::is_enforced)
    }

    /// The projects that have records, sorted.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn project_names(&self) -> Result<Vec<ProjectName>, StateError> {
        Ok(entries(&self.projects())?.into_iter().filter_map(|name| ProjectName::new(name).ok()).collect())
    }

    /// The names of the containers of all projects but `project`, with whose they are. What cannot be read has no name.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn foreign_container_names(
        &self,
        project: &ProjectName,
    ) -> Result<BTreeMap<ContainerName, ProjectName>, StateError> {
        let mut names = BTreeMap::new();
        for owner in self.project_names()?.into_iter().filter(|owner| owner != project) {
            let records: Vec<ContainerRecord<IgnoredAny>> = self.project(&owner).read_containers().unwrap_or_default();
            names.extend(records.into_iter().map(|record| (record.name, owner.clone())));
        }
        Ok(names)
    }

    /// The networks of every other project, with the project. Records that cannot be read are theirs to complain about.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn foreign_networks(&self, project: &ProjectName) -> Result<Vec<(ProjectName, NetworkRecord)>, StateError> {
        let mut networks = Vec::new();
        for owner in self.project_names()?.into_iter().filter(|owner| owner != project) {
            let records = self.project(&owner).read_networks().unwrap_or_default();
            networks.extend(records.into_iter().map(|record| (owner.clone(), record)));
        }
        Ok(networks)
    }
}

impl ProjectLayout {
    /// Whether anything of the project is on disk.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.root.exists()
    }

    /// Whether there is only what a supervisor that died has left of what does not outlive a boot.
    #[must_use]
    pub fn is_debris(&self) -> bool {
        !self.root.exists() && self.run.exists()
    }

    /// Every container record, in order of creation. A directory without a record (a create that was cut short)
    /// is skipped: [`ProjectLayout::remove_debris`] clears it.
    ///
    /// # Errors
    /// [`StateError`] when a record cannot be read.
    pub fn read_containers<S: DeserializeOwned>(&self) -> Result<Vec<ContainerRecord<S>>, StateError> {
        let mut records: Vec<ContainerRecord<S>> = Vec::new();
        for name in entries(&self.containers())? {
            records.extend(read(&self.containers().join(name).join("container.json"))?);
        }
        records.sort_by(|a, b| (a.created_at, &a.name).cmp(&(b.created_at, &b.name)));
        Ok(records)
    }

    /// Removes the directories of containers that have no record: what a killed supervisor left half-made.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn remove_debris(&self) -> Result<(), StateError> {
        for directory in [self.containers(), self.run.join("containers"), self.grants()] {
            for name in entries(&directory)? {
                if !self.containers().join(&name).join("container.json").exists() {
                    remove_tree(&directory.join(name))?;
                }
            }
        }
        Ok(())
    }

    /// Every network record, by key.
    ///
    /// # Errors
    /// [`StateError`] when a record cannot be read.
    pub fn read_networks(&self) -> Result<Vec<NetworkRecord>, StateError> {
        let mut records = Vec::new();
        for name in entries(&self.networks())?.into_iter().filter(|name| name.ends_with(".json")) {
            records.extend(read(&self.networks().join(name))?);
        }
        Ok(records)
    }

    /// Writes a network's record.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn write_network(&self, record: &NetworkRecord) -> Result<(), StateError> {
        create_private_dir_all(&self.networks())?;
        write(&self.networks().join(format!("{}.json", record.key)), record)
    }

    /// Removes a network's record; absent is fine.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn remove_network(&self, key: &NetworkName) -> Result<(), StateError> {
        remove_file(&self.networks().join(format!("{key}.json")))
    }

    /// Removes what a supervisor that holds the lock has made for itself, and the project's directories when nothing else
    /// is left in them. Afterwards another may take the lock: nothing of the project may be touched any more.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn leave(&self) -> Result<(), StateError> {
        remove_file(&self.socket())?;
        remove_file(&self.pid_file())?;
        if entries(&self.containers())?.is_empty() && entries(&self.networks())?.is_empty() {
            remove_tree(&self.root)?;
            self.close_grants()?;
            remove_tree(&self.run.join("containers"))?;
            remove_tree(&self.leases())?;
            remove_file(&self.supervisor_log())?;
            // The last: as long as it is there, nobody else makes anything here.
            remove_file(&self.lock())?;
            // Not empty when another has begun already.
            let _ = fs::remove_dir(&self.run);
        }
        Ok(())
    }
}

impl ContainerLayout {
    /// Makes the container's directories and writes its record last, so that a directory with a record is whole. With
    /// `size`, its writable layer takes up no more than so many bytes.
    ///
    /// # Errors
    /// [`StateError`]; where the file system keeps no sizes, that of [`quota::limit`].
    pub fn create<S: Serialize>(&self, record: &ContainerRecord<S>, size: Option<u64>) -> Result<(), StateError> {
        create_one_of_many(&self.root)?;
        create_one_of_many(&self.run)?;
        self.create_layer(size)?;
        write(&self.record(), record)
    }

    fn create_layer(&self, size: Option<u64>) -> Result<(), StateError> {
        create_root(&self.upper())?;
        create_private_dir_all(&self.work())?;
        if let Some(size) = size {
            quota::limit(&[fs::File::open(self.upper())?, fs::File::open(self.work())?], size)?;
        }
        Ok(())
    }

    fn remove_layer(&self) -> Result<(), StateError> {
        if let (Ok(upper), Ok(root)) = (fs::File::open(self.upper()), fs::File::open(&self.root)) {
            // Where there are no quotas, there is none to let go of.
            let _ = quota::lift(upper, root);
        }
        remove_tree(&self.upper())?;
        remove_tree(&self.work())
    }

    /// The container's record; `None` when there is none.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn read_record<S: DeserializeOwned>(&self) -> Result<Option<ContainerRecord<S>>, StateError> {
        read(&self.record())
    }

    /// Writes the record of a container that is there anew.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn write_record<S: Serialize>(&self, record: &ContainerRecord<S>) -> Result<(), StateError> {
        write(&self.record(), record)
    }

    /// Makes the run directory, which a boot takes away.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn create_run(&self) -> Result<(), StateError> {
        create_one_of_many(&self.run)?;
        Ok(create_private_dir_all(&self.run.join("etc"))?)
    }

    /// The supervisor's view of the container; the default when none was written since boot.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn read_state(&self) -> Result<ContainerState, StateError> {
        Ok(read(&self.state())?.unwrap_or_default())
    }

    /// Writes the supervisor's view of the container.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn write_state(&self, state: &ContainerState) -> Result<(), StateError> {
        write(&self.state(), state)
    }

    /// Empties the writable layer, which takes up no more than `size` bytes from then on.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn discard_changes(&self, size: Option<u64>) -> Result<(), StateError> {
        self.remove_layer()?;
        self.create_layer(size)
    }

    /// Removes everything of the container; the record goes first, so that what a crash leaves is debris.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn remove(&self) -> Result<(), StateError> {
        remove_file(&self.record())?;
        self.remove_layer()?;
        remove_tree(&self.root)?;
        remove_tree(&self.grants)?;
        remove_tree(&self.run)
    }
}
