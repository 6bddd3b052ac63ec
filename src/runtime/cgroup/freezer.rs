//! Stopping all processes of a container at once, and letting them go on.
//!
//! Version 2 has a file for it. With version 1 the cgroup in the `freezer` hierarchy is made when a container is paused
//! for the first time: most never are. It is frozen first and filled then, so that what is moved there stops at once;
//! what a process not yet moved forks meanwhile is found by looking again, until nobody is left outside.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::Timespec;

use super::directory::{self, wait_for_event};
use super::setting::write;
use super::{Cgroup, CgroupError, Version, hierarchies, unified};

pub(super) const FREEZER: &str = "freezer";
/// How long processes may take to stop: one that waits for a disk or a dead file server does not.
const PATIENCE: Duration = Duration::from_secs(10);
/// Version 1 tells nobody when they have stopped.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

impl Cgroup {
    /// Stops all processes; if some do not stop in time, lets all go on.
    pub(in crate::runtime) fn freeze(&self) -> Result<(), CgroupError> {
        let (directory, result) = match self.version {
            Version::Two => {
                let directory = unified::of(&self.path);
                let result = freeze_unified(&directory);
                (directory, result)
            }
            Version::One => {
                let directory = hierarchies::add(FREEZER, &self.path)?;
                let result = self.freeze_hierarchy(&directory);
                (directory, result)
            }
        };
        result.map_err(|source| {
            let _ = self.thaw();
            CgroupError::Freeze { action: "freeze", path: directory, source }
        })
    }

    fn freeze_hierarchy(&self, directory: &Path) -> io::Result<()> {
        let state = directory.join("freezer.state");
        write(&state, "FROZEN")?;
        self.fill(directory)?;
        let deadline = Instant::now() + PATIENCE;
        // Reading the state is what brings it up to date.
        while fs_err::read_to_string(&state)?.trim() != "FROZEN" {
            if Instant::now() > deadline {
                return Err(io::ErrorKind::TimedOut.into());
            }
            std::thread::sleep(LOOK_AGAIN);
            // A process that was just being forked or moved may have been overlooked: all are told again.
            write(&state, "FROZEN")?;
        }
        Ok(())
    }

    /// Moves every process into a further version 1 cgroup of the container.
    pub(super) fn fill(&self, directory: &Path) -> io::Result<()> {
        let file = directory.join("cgroup.procs");
        let mut inside = directory::processes(directory)?;
        loop {
            let outside: Vec<i32> = self.processes()?.into_iter().filter(|pid| !inside.contains(pid)).collect();
            if outside.is_empty() {
                return Ok(());
            }
            for pid in outside {
                match write(&file, &pid.to_string()) {
                    // It has ended since. One that is ending cannot be moved, nor does it run.
                    Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {}
                    result => result?,
                }
                inside.push(pid);
            }
        }
    }

    /// Lets all processes go on; no error if they do.
    pub(in crate::runtime) fn thaw(&self) -> Result<(), CgroupError> {
        let (path, value) = match self.version {
            Version::Two => (unified::of(&self.path).join("cgroup.freeze"), "0"),
            Version::One => (hierarchies::of(FREEZER, &self.path).join("freezer.state"), "THAWED"),
        };
        match write(&path, value) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(CgroupError::Freeze { action: "thaw", path, source: error })
            }
            _ => Ok(()),
        }
    }

    /// Whether its processes have been stopped, or are about to be.
    pub(in crate::runtime) fn is_frozen(&self) -> bool {
        let (path, running) = match self.version {
            Version::Two => (unified::of(&self.path).join("cgroup.freeze"), "0"),
            Version::One => (hierarchies::of(FREEZER, &self.path).join("freezer.state"), "THAWED"),
        };
        std::fs::read_to_string(path).is_ok_and(|state| state.trim() != running)
    }
}

fn freeze_unified(directory: &Path) -> io::Result<()> {
    write(&directory.join("cgroup.freeze"), "1")?;
    let limit = Timespec { tv_sec: PATIENCE.as_secs().cast_signed(), tv_nsec: 0 };
    if wait_for_event(directory, "frozen 1", Some(&limit))? { Ok(()) } else { Err(io::ErrorKind::TimedOut.into()) }
}
