//! A running container, as those see it who watch it: by descriptors, whoever started it.

mod resources;
mod traffic;

pub use traffic::Traffic;

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rustix::process::{Pid, Signal};

use super::cgroup::Cgroup;
use super::channel::Channel;
use super::external;
use super::record::{self, ProcessRecord, StatusRecord};
use super::{Config, ExitStatus, RuntimeError};
use crate::sys::pidfd::PidFd;
use crate::sys::readiness::readable;
use crate::sys::spawn::Spawned;

/// A container that runs, or has ended since.
#[derive(Debug)]
pub struct Handle {
    directory: PathBuf,
    shim: PidFd,
    /// `None` when it has ended.
    init: Option<PidFd>,
    pid: i32,
    started_at: Timestamp,
    /// Of whoever started it: its end tells the shim that nobody watches over the container any more.
    _channel: Option<Channel>,
}

impl Handle {
    /// Of a container that this process has just started.
    pub(super) fn started(
        directory: &Path,
        shim: Spawned,
        init: ProcessRecord,
        channel: Channel,
    ) -> Result<Self, RuntimeError> {
        Ok(Self {
            directory: directory.to_owned(),
            shim: shim.pidfd,
            init: open(init)?,
            pid: init.pid,
            started_at: Timestamp::now(),
            _channel: Some(channel),
        })
    }

    /// Finds the container of a run directory again, whoever started it; `None` when its shim is gone: then
    /// [`ExitStatus::read`] says how it ended, and if that says nothing either, the shim was killed ([`delete`] it).
    ///
    /// # Errors
    /// [`RuntimeError::Record`], [`RuntimeError::Process`].
    pub fn adopt(directory: &Path) -> Result<Option<Self>, RuntimeError> {
        let Some(status) = record::read::<StatusRecord>(directory, record::STATUS)? else { return Ok(None) };
        let Some(shim) = open(status.shim)? else { return Ok(None) };
        if shim.has_exited().map_err(failed("watch", status.shim.pid))? {
            return Ok(None);
        }
        Ok(Some(Self {
            directory: directory.to_owned(),
            shim,
            init: open(status.init)?,
            pid: status.init.pid,
            started_at: status.started_at,
            _channel: None,
        }))
    }

    /// The pid of the container's init, as seen from here. Only good for `/proc/PID/ns/…` while it runs.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// When its program was executed.
    #[must_use]
    pub fn started_at(&self) -> Timestamp {
        self.started_at
    }

    /// Its init, to enter its namespaces; `None` when that had ended when the handle was made.
    #[must_use]
    pub fn init(&self) -> Option<BorrowedFd<'_>> {
        self.init.as_ref().map(AsFd::as_fd)
    }

    /// One of its namespaces, by the name that `/proc/PID/ns` has for it; `None` when the container has ended.
    ///
    /// # Errors
    /// [`RuntimeError::Process`].
    pub fn namespace(&self, name: &Path) -> Result<Option<OwnedFd>, RuntimeError> {
        let Some(init) = &self.init else { return Ok(None) };
        let namespace = fs_err::File::open(Path::new("/proc").join(self.pid.to_string()).join("ns").join(name));
        // Asked afterwards: as long as the process is there, its pid was no other's.
        if init.has_exited().map_err(failed("watch", self.pid))? {
            return Ok(None);
        }
        let file = namespace.map_err(failed("look at the namespaces of", self.pid))?;
        Ok(Some(file.into_parts().0.into()))
    }

    /// Waits for the container's end and changes nothing: for those who only look on.
    ///
    /// # Errors
    /// [`RuntimeError::Process`].
    pub async fn ended(&self) -> Result<(), RuntimeError> {
        let watched = readable(self.shim.as_fd()).map_err(failed("watch", self.pid))?;
        drop(watched.readable().await.map_err(failed("watch", self.pid))?);
        Ok(())
    }

    /// Waits for the container's end. If its shim was killed, the container is killed too and counts as that.
    ///
    /// # Errors
    /// [`RuntimeError::Record`], [`RuntimeError::Process`], [`RuntimeError::Cgroup`].
    pub async fn exited(&self) -> Result<ExitStatus, RuntimeError> {
        self.ended().await?;
        match self.shim.wait(true) {
            Err(error) if error.raw_os_error() != Some(rustix::io::Errno::CHILD.raw_os_error()) => {
                return Err(failed("reap", self.pid)(error));
            }
            // Reaped, or not our child: then its parent reaps it.
            _ => {}
        }
        if let Some(status) = ExitStatus::read(&self.directory)? {
            return Ok(status);
        }
        delete(&self.directory)?;
        Ok(ExitStatus::read(&self.directory)?
            .unwrap_or_else(|| ExitStatus::new(137, Some(Signal::KILL.as_raw()), false, self.started_at)))
    }

    /// Sends a signal to the container's init; to one that has ended, that is no error. A paused container gets it when
    /// it goes on, which SIGKILL makes it do.
    ///
    /// # Errors
    /// [`RuntimeError::Process`], [`RuntimeError::Record`], [`RuntimeError::Cgroup`].
    pub fn signal(&self, signal: Signal) -> Result<(), RuntimeError> {
        // What cannot be told through a runtime is told directly, and SIGKILL in any case.
        let told = self.config().is_ok_and(|config| external::signal(&config, signal).unwrap_or(false));
        if told && signal != Signal::KILL {
            return Ok(());
        }
        self.init.as_ref().map_or(Ok(()), |init| init.signal(signal)).map_err(failed("signal", self.pid))?;
        // With version 1 of cgroups, what is frozen does not die.
        if signal == Signal::KILL { self.unpause() } else { Ok(()) }
    }

    /// Whether the kernel would drop this signal: PID 1 of a pid namespace gets only those that it handles or has blocked.
    ///
    /// # Errors
    /// [`RuntimeError::Process`].
    pub fn ignores(&self, signal: Signal) -> Result<bool, RuntimeError> {
        if matches!(signal, Signal::KILL | Signal::STOP) {
            return Ok(false);
        }
        let status = match fs_err::read_to_string(format!("/proc/{}/status", self.pid)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            result => result.map_err(failed("look at", self.pid))?,
        };
        if !is_first(&status) {
            return Ok(false);
        }
        // While it waits in sigtimedwait(2) for signals that it has blocked, the kernel shows them as not blocked. One that
        // cannot be looked at is not accused of ignoring.
        let waiting = libc::SYS_rt_sigtimedwait.to_string();
        let system_call = fs_err::read_to_string(format!("/proc/{}/syscall", self.pid));
        let waits = system_call.map_or(true, |call| call.split_whitespace().next() == Some(waiting.as_str()));
        Ok(!waits && !accepts(&status, signal.as_raw()))
    }
}

/// Whether a process with this `/proc/PID/status` is the first of its pid namespace: the last of its pids.
fn is_first(status: &str) -> bool {
    let pids = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    pids.is_none_or(|pids| pids.split_whitespace().next_back() == Some("1"))
}

/// Whether a process with this `/proc/PID/status` has a handler for the signal, or blocks it in order to wait for it.
fn accepts(status: &str, signal: i32) -> bool {
    ["SigCgt:", "SigBlk:"].iter().any(|field| {
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        let mask = line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        // Where the kernel does not say, nobody is accused of ignoring.
        mask.is_none_or(|mask| mask & (1 << (signal - 1)) != 0)
    })
}

/// Ends whatever is left of the container of a run directory, notes that it was killed when nothing else says how it
/// ended, and removes its cgroup. The directory itself is its
/// owner's to remove. May be repeated.
///
/// # Errors
/// [`RuntimeError::Record`], [`RuntimeError::Process`], [`RuntimeError::Cgroup`].
pub fn delete(directory: &Path) -> Result<(), RuntimeError> {
    let config = record::read::<Config>(directory, record::CONFIG)?;
    let cgroup = config.as_ref().map(|config| Cgroup::existing(&config.cgroup()));
    if let Some(status) = record::read::<StatusRecord>(directory, record::STATUS)? {
        // The shim ends by itself once init has; a stopped one would not.
        for process in [status.init, status.shim] {
            if let Some(pidfd) = open(process)? {
                pidfd.signal(Signal::KILL).map_err(failed("kill", process.pid))?;
                cgroup.as_ref().map_or(Ok(()), Cgroup::thaw)?;
                pidfd.wait_exited().map_err(failed("wait for", process.pid))?;
            }
        }
    }
    if let Some(status) = record::read::<StatusRecord>(directory, record::STATUS)?
        && ExitStatus::read(directory)?.is_none()
    {
        let killed = ExitStatus::new(137, Some(Signal::KILL.as_raw()), false, status.started_at);
        record::write(directory, record::EXIT, &killed)?;
    }
    config.as_ref().map_or(Ok(()), external::delete).map_err(Box::new)?;
    Ok(cgroup.map_or(Ok(()), |cgroup| cgroup.delete())?)
}

pub(super) fn open(process: ProcessRecord) -> Result<Option<PidFd>, RuntimeError> {
    let Some(pid) = Pid::from_raw(process.pid) else { return Ok(None) };
    PidFd::open(pid, process.start_time).map_err(failed("find", process.pid))
}

pub(super) fn failed(action: &'static str, pid: i32) -> impl FnOnce(io::Error) -> RuntimeError {
    move |source| RuntimeError::Process { action, pid, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pid_1_gets() {
        let status = "Name:\tx\nSigBlk:\t0000000000000002\nSigIgn:\t0000000000001000\nSigCgt:\t0000000000004000\n";
        for (signal, expected) in [(15, true), (2, true), (1, false), (13, false)] {
            assert_eq!(accepts(status, signal), expected, "{signal}");
        }
        assert!(is_first("Name:\tx\nNSpid:\t812\t1\n") && !is_first("Name:\tx\nNSpid:\t812\n"));
    }
}
