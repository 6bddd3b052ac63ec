//! `delete`: removes what a container leaves.

use std::io;

use rustix::process::Signal;

use super::hook::{self, HookError, Point};
use super::{Container, OciError, Status};
use crate::runtime::handle;

impl Container {
    /// Removes the container, which must have stopped; with `force`, kills it first. Returns the
    /// `poststop` hooks that failed.
    ///
    /// # Errors
    /// [`OciError::NotStopped`]; what cannot be removed.
    pub fn delete(mut self, force: bool) -> Result<Vec<HookError>, OciError> {
        let lock = self.locked()?;
        match self.status_when_locked()? {
            Status::Stopped => {}
            _ if force => {}
            status => return Err(OciError::NotStopped { id: self.record.id.clone(), status }),
        }
        if let Some(init) = self.init()? {
            let pid = self.record.init.map_or(0, |init| init.pid);
            init.signal(Signal::KILL).map_err(handle::failed("kill", pid))?;
            // With cgroups of version 1, what is frozen does not even die.
            self.cgroup()?.thaw()?;
            init.wait_exited().map_err(handle::failed("wait for", pid))?;
        }
        // With a pid namespace of another container, or the host's, processes may have outlived init.
        let config = self.config();
        if config.is_ok() {
            self.cgroup()?.delete()?;
        }
        let state = self.hook_state(Status::Stopped);
        let gone = fs_err::remove_dir_all(&self.directory);
        match gone {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(OciError::directory("remove", &self.directory)(error));
            }
            _ => drop(lock),
        }
        let hooks = config.as_ref().ok().and_then(|config| config.spec.hooks().as_ref());
        // The bundle may have been removed before its container.
        let directory = Some(self.record.bundle.as_path()).filter(|bundle| bundle.is_dir());
        Ok(hook::run_each(Point::Poststop, hooks, &state, directory).into_iter().filter_map(Result::err).collect())
    }
}
