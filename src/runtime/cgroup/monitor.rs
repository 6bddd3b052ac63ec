//! The cgroup of those that watch over containers: a supervisor and its shims.
//!
//! systemd ends a service, or with `KillUserProcesses=` a session, by killing whatever is in its cgroup. A supervisor that
//! stayed in the cgroup of the command that started it, a unit that runs `rcompose up -d` say, would be killed with it,
//! and so would its shims, while their containers went on unwatched. Nor would what it uses count against the unit.
//!
//! ```text
//! rcompose/monitor-4711     the supervisor and its shims
//! rcompose/7e967a…          a container
//! ```

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use rustix::event::Timespec;

use super::directory::{self, MOUNT, PARENT};
use super::setting::write;
use super::{Version, place, unified, version};

const PREFIX: &str = "monitor-";
/// How long the end of the last shim is waited for, which has nothing more to do.
const LIMIT: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// The calling process's own cgroup, until it is dropped.
#[derive(Debug)]
pub struct MonitorCgroup(PathBuf);

impl MonitorCgroup {
    /// Moves the calling process, and so those that it starts, to a cgroup beside those of containers. `None` where that
    /// is not to be had, which is no reason not to watch: with version 1 of cgroups, or without the right.
    #[must_use]
    pub fn enter() -> Option<Self> {
        if version() == Version::One {
            return None;
        }
        let path = place::default_parent().join(PARENT).join(format!("{PREFIX}{}", std::process::id()));
        directory::make_all(Path::new(MOUNT), &path).ok()?;
        let entered = Self(unified::of(&path));
        write(&entered.0.join("cgroup.procs"), "0").ok()?;
        Some(entered)
    }
}

impl Drop for MonitorCgroup {
    /// Leaves it for the root of all cgroups, where that is allowed, and removes it; also those of killed monitors.
    fn drop(&mut self) {
        let _ = write(&Path::new(MOUNT).join("cgroup.procs"), "0");
        let _ = directory::wait_for_event(&self.0, "populated 0", Some(&LIMIT));
        let parent = self.0.parent().expect("it is below the parent of all containers");
        for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
            if is_monitor(&entry.file_name()) {
                directory::undo(&entry.path());
            }
        }
    }
}

/// Where a monitor was started, as far as is known of one that has moved: above the directory that it shares with containers.
pub(super) fn origin(own: &Path) -> &Path {
    match (own.file_name(), own.parent()) {
        (Some(name), Some(parent)) if is_monitor(name) && parent.ends_with(PARENT) => {
            parent.parent().expect("it ends with a name")
        }
        _ => own,
    }
}

fn is_monitor(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(PREFIX.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_monitor_was_started() {
        for (own, expected) in [
            ("system.slice/a.service", "system.slice/a.service"),
            ("rcompose/monitor-12", ""),
            ("user.slice/run.scope/rcompose/monitor-12", "user.slice/run.scope"),
            ("rcompose/0123", "rcompose/0123"),
            ("elsewhere/monitor-12", "elsewhere/monitor-12"),
            ("", ""),
        ] {
            assert_eq!(origin(Path::new(own)), Path::new(expected), "{own}");
        }
    }
}
