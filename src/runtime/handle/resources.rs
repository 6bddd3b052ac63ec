//! What a running container may use and does use: pausing it, changing its limits, measuring it.

use std::path::PathBuf;

use oci_spec::runtime::LinuxResources;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::Handle;
use crate::name::ContainerId;
use crate::runtime::cgroup;
use crate::runtime::cgroup::{Cgroup, CgroupError, Stats};
use crate::runtime::{Config, RuntimeError};
use crate::runtime::{external, record};

/// Where a container is, of its [`Config`].
#[derive(Deserialize)]
struct Placed {
    id: ContainerId,
    spec: PlacedSpec,
    #[serde(default)]
    external: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct PlacedSpec {
    linux: Option<PlacedLinux>,
}

#[derive(Deserialize)]
struct PlacedLinux {
    #[serde(rename = "cgroupsPath")]
    cgroups_path: Option<PathBuf>,
}

impl Handle {
    /// Stops all processes of the container until [`Self::unpause`]. May be repeated. If some do not stop within 10
    /// seconds, because they wait for a device, all go on again.
    ///
    /// # Errors
    /// [`RuntimeError::Cgroup`], [`RuntimeError::Record`], [`RuntimeError::NotRunning`].
    pub fn pause(&self) -> Result<(), RuntimeError> {
        let config = self.config()?;
        if external::pause(&config, true).map_err(Box::new)? {
            return Ok(());
        }
        let cgroup = Cgroup::existing(&config.cgroup());
        if cgroup.directories().is_empty() {
            return Err(CgroupError::None.into());
        }
        Ok(cgroup.freeze()?)
    }

    /// Lets all processes of the container go on. May be repeated.
    ///
    /// # Errors
    /// [`RuntimeError::Cgroup`], [`RuntimeError::Record`].
    pub fn unpause(&self) -> Result<(), RuntimeError> {
        let config = match self.config() {
            Err(RuntimeError::NotRunning) => return Ok(()),
            config => config?,
        };
        if external::pause(&config, false).map_err(Box::new)? {
            return Ok(());
        }
        Ok(Cgroup::existing(&config.cgroup()).thaw()?)
    }

    /// Whether the container is paused.
    ///
    /// # Errors
    /// [`RuntimeError::Record`].
    pub fn is_paused(&self) -> Result<bool, RuntimeError> {
        // Asked of every container for each list: all else that a configuration says is not read for that.
        let placed = record::read::<Placed>(&self.directory, record::CONFIG)?;
        if let Some(Placed { id, spec, external: None }) = placed.filter(|_| self.init.is_some()) {
            let path = spec.linux.and_then(|linux| linux.cgroups_path);
            return Ok(Cgroup::existing(&cgroup::place(path.as_deref(), id.as_str())).is_frozen());
        }
        let config = match self.config() {
            Err(RuntimeError::NotRunning) => return Ok(false),
            config => config?,
        };
        let paused = external::is_paused(&config).map_err(Box::new)?;
        Ok(paused.unwrap_or_else(|| Cgroup::existing(&config.cgroup()).is_frozen()))
    }

    /// Changes what `resources` says, and leaves all other limits as they are. When the kernel refuses a part of it,
    /// nothing is changed.
    ///
    /// # Errors
    /// [`RuntimeError::Cgroup`], [`RuntimeError::Record`], [`RuntimeError::NotRunning`].
    pub fn update(&self, resources: &LinuxResources) -> Result<(), RuntimeError> {
        let mut config = self.config()?;
        let cgroup = Cgroup::existing(&config.cgroup());
        // Its default would be a whole configuration.
        let nothing = || serde_json::from_str("{}").expect("every field is optional");
        let linux = config.spec.linux_mut().get_or_insert_with(nothing);
        let merged = cgroup.update(linux.resources().as_ref(), resources)?;
        linux.set_resources(Some(merged));
        record::write(&self.directory, record::CONFIG, &config)
    }

    /// What the container uses.
    ///
    /// # Errors
    /// [`RuntimeError::Cgroup`], [`RuntimeError::Record`], [`RuntimeError::NotRunning`].
    pub fn stats(&self) -> Result<Stats, RuntimeError> {
        Ok(self.cgroup()?.stats(Some(self.pid)).map_err(CgroupError::Read)?)
    }

    /// The pids of all its processes, as seen from here.
    ///
    /// # Errors
    /// [`RuntimeError::Cgroup`], [`RuntimeError::Record`], [`RuntimeError::NotRunning`].
    pub fn processes(&self) -> Result<Vec<i32>, RuntimeError> {
        let mut pids = self.cgroup()?.processes().map_err(CgroupError::Read)?;
        // On a machine without any cgroup, this one is known.
        if pids.is_empty() {
            pids.push(self.pid);
        }
        pids.sort_unstable();
        Ok(pids)
    }

    pub(in crate::runtime) fn config(&self) -> Result<Config, RuntimeError> {
        let is_running = match &self.init {
            Some(init) => !init.has_exited().map_err(super::failed("watch", self.pid))?,
            None => false,
        };
        let config = record::read::<Config>(&self.directory, record::CONFIG)?;
        config.filter(|_| is_running).ok_or(RuntimeError::NotRunning)
    }

    fn cgroup(&self) -> Result<Cgroup, RuntimeError> {
        Ok(Cgroup::existing(&self.config()?.cgroup()))
    }
}
