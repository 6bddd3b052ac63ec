//! Which projects are on networks of others: a file `NETWORK@PROJECT` each, written to whenever a container of the project
//! comes to the network or goes, so that whoever watches the directory learns of it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use fs_err as fs;

use super::Layout;
use super::store::{StateError, entries};
use crate::name::ProjectName;
use crate::sys::create_private_dir_all;

impl Layout {
    /// The directory to watch, which is made.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn shared_networks(&self) -> Result<PathBuf, StateError> {
        let path = self.root().join("shared");
        create_private_dir_all(&path)?;
        Ok(path)
    }

    /// The projects that are on the network with this name, which some project shares; none if nobody does.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn projects_on(&self, network: &str) -> Result<BTreeSet<ProjectName>, StateError> {
        let names = entries(&self.root().join("shared"))?;
        let project = |name: &String| ProjectName::new(name.strip_prefix(network)?.strip_prefix('@')?).ok();
        Ok(names.iter().filter_map(project).collect())
    }

    /// Says that `project` is on `network`, and that something of it there may have changed.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn announce_on(&self, network: &str, project: &ProjectName) -> Result<(), StateError> {
        Ok(fs::write(self.shared_networks()?.join(format!("{network}@{project}")), "")?)
    }

    /// Says that `project` is not on `network` any more.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn leave_network(&self, network: &str, project: &ProjectName) -> Result<(), StateError> {
        super::store::remove_file(&self.root().join("shared").join(format!("{network}@{project}")))
    }
}
