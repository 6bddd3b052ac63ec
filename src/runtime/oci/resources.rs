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
            Status::Created | Status::Running | Status::Paused => {
                Ok(self.handle()?.update(&self.with_swap(resources)?)?)
            }
            _ => Err(OciError::NotRunning),
        }
    }

    /// Without a limit of memory, the one of memory and swap goes too unless a new one is given: it would be lower.
    fn with_swap(&self, resources: &LinuxResources) -> Result<LinuxResources, OciError> {
        let mut resources = resources.clone();
        let config = self.config()?;
        let current = config.spec.linux().as_ref().and_then(|linux| linux.resources().as_ref());
        let has_limit =
            current.and_then(|resources| resources.memory().as_ref()).is_some_and(|old| old.swap().is_some());
        if let Some(memory) = resources.memory_mut().as_mut().filter(|memory| memory.limit() == Some(-1) && has_limit)
            && memory.swap().is_none()
        {
            memory.set_swap(Some(-1));
        }
        Ok(resources)
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
