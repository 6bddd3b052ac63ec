//! `pause`, `resume`, `update`, `ps` and `events`: what a container may use, and which processes it has.

use std::path::Path;

use oci_spec::runtime::LinuxResources;

use super::{BundleError, Container, OciError, Status, json};
use crate::runtime::cgroup::CgroupError;
use crate::runtime::{Handle, Stats};

impl Container {
    /// Stops all its processes.
    ///
    /// # Errors
    /// [`OciError::NotRunning`], [`OciError::Runtime`].
    pub fn pause(&mut self) -> Result<(), OciError> {
        let _lock = self.locked()?;
        match self.status_when_locked()? {
            Status::Created | Status::Running => Ok(self.handle()?.pause()?),
            _ => Err(OciError::NotRunning),
        }
    }

    /// Lets them go on.
    ///
    /// # Errors
    /// [`OciError::NotPaused`], [`OciError::Runtime`].
    pub fn resume(&mut self) -> Result<(), OciError> {
        let _lock = self.locked()?;
        match self.status_when_locked()? {
            Status::Paused => Ok(self.handle()?.unpause()?),
            _ => Err(OciError::NotPaused),
        }
    }

    /// Changes the limits that `resources` names.
    ///
    /// # Errors
    /// [`OciError::NotRunning`], [`OciError::Runtime`].
    pub fn update(&mut self, resources: &LinuxResources) -> Result<(), OciError> {
        let _lock = self.locked()?;
        match self.status_when_locked()? {
            Status::Created | Status::Running | Status::Paused => Ok(self.handle()?.update(resources)?),
            _ => Err(OciError::NotRunning),
        }
    }

    /// The pids of its processes, as seen from here: of one that has stopped, those that have outlived its init.
    ///
    /// # Errors
    /// [`OciError::Cgroup`], [`OciError::Runtime`].
    pub fn processes(&self) -> Result<Vec<i32>, OciError> {
        match self.handle() {
            Err(OciError::NotRunning) => Ok(self.cgroup()?.processes().map_err(CgroupError::Read)?),
            handle => Ok(handle?.processes()?),
        }
    }

    /// What it uses.
    ///
    /// # Errors
    /// [`OciError::NotRunning`], [`OciError::Runtime`].
    pub fn stats(&self) -> Result<Stats, OciError> {
        Ok(self.handle()?.stats()?)
    }

    /// How many of its processes the kernel has killed for want of memory.
    ///
    /// # Errors
    /// [`OciError::Runtime`] when it has been deleted.
    pub fn oom_kills(&self) -> Result<u64, OciError> {
        Ok(self.cgroup()?.oom_kills())
    }

    /// It as other parts of the runtime know containers: its init stands for the shim that it does not have.
    pub(super) fn handle(&self) -> Result<Handle, OciError> {
        Handle::adopt(&self.directory)?.ok_or(OciError::NotRunning)
    }
}

/// Reads resources in the form of `linux.resources`, called `path` in errors.
///
/// # Errors
/// [`OciError::Bundle`] with the field that is wrong.
pub fn parse_resources(path: &Path, text: &[u8]) -> Result<LinuxResources, BundleError> {
    json::parse(path, text)
}
