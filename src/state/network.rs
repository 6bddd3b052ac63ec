//! Networks beyond those of one project: what `network create` makes, and all there are.

use super::store::{entries, read, remove_file, write};
use super::{Layout, NetworkRecord, StateError};
use crate::name::{NetworkName, ProjectName};
use crate::sys::create_private_dir_all;

impl Layout {
    /// The networks that belong to no project, by name.
    ///
    /// # Errors
    /// [`StateError`] when a record cannot be read.
    pub fn read_standalone_networks(&self) -> Result<Vec<NetworkRecord>, StateError> {
        let mut records = Vec::new();
        for name in entries(&self.standalone_networks())?.into_iter().filter(|name| name.ends_with(".json")) {
            records.extend(read(&self.standalone_networks().join(name))?);
        }
        Ok(records)
    }

    /// Writes the record of a network that belongs to no project; its key is its name.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn write_standalone_network(&self, record: &NetworkRecord) -> Result<(), StateError> {
        create_private_dir_all(&self.standalone_networks())?;
        write(&self.standalone_networks().join(format!("{}.json", record.key)), record)
    }

    /// Removes the record of a network that belongs to no project; absent is fine.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn remove_standalone_network(&self, key: &NetworkName) -> Result<(), StateError> {
        remove_file(&self.standalone_networks().join(format!("{key}.json")))
    }

    /// Every network of the machine with the project it belongs to, each once, by name. Records of projects that cannot
    /// be read are theirs to complain about.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn networks(&self) -> Result<Vec<(Option<ProjectName>, NetworkRecord)>, StateError> {
        let mut networks: Vec<_> = self.read_standalone_networks()?.into_iter().map(|record| (None, record)).collect();
        for project in self.project_names()? {
            let records = self.project(&project).read_networks().unwrap_or_default();
            networks.extend(records.into_iter().map(|record| (Some(project.clone()), record)));
        }
        networks.sort_by(|(_, a), (_, b)| a.name.cmp(&b.name));
        Ok(networks)
    }
}
