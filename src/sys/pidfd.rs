//! Processes by file descriptor: what a pid alone cannot promise, that it is still the same process.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitIdStatus};

/// A process, alive or not, but never another one.
#[derive(Debug)]
pub struct PidFd(OwnedFd);

impl PidFd {
    /// The process that has `pid` now, if it is the one that began at `start_time` (see [`start_time`]).
    ///
    /// # Errors
    /// What the kernel says, but for a process that is gone, which is `None`.
    pub fn open(pid: Pid, start_time: u64) -> io::Result<Option<Self>> {
        let fd = match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
            Ok(fd) => fd,
            // Before Linux 6.15 that is also said of one that was reaped a moment ago.
            Err(rustix::io::Errno::SRCH | rustix::io::Errno::INVAL) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        // The descriptor comes first: if the pid is given away between the two calls, the time differs.
        match self::start_time(pid) {
            Ok(time) if time == start_time => Ok(Some(Self(fd))),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the process has ended (reaped or not).
    ///
    /// # Errors
    /// What `poll(2)` says.
    pub fn has_exited(&self) -> io::Result<bool> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        Ok(poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&now))? > 0)
    }

    /// Waits until the process has ended, for at most this long; whether it has.
    ///
    /// # Errors
    /// What `poll(2)` says.
    pub fn wait_exited_for(&self, time: Duration) -> io::Result<bool> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let deadline = Instant::now() + time;
        loop {
            let left = Timespec::try_from(deadline.saturating_duration_since(Instant::now())).ok();
            match poll(&mut [PollFd::new(&self.0, PollFlags::IN)], left.as_ref()) {
                Err(rustix::io::Errno::INTR) => {}
                result => return Ok(result? > 0),
            }
        }
    }

    /// Waits until the process has ended.
    ///
    /// # Errors
    /// What `poll(2)` says.
    pub fn wait_exited(&self) -> io::Result<()> {
        use rustix::event::{PollFd, PollFlags, poll};
        loop {
            match poll(&mut [PollFd::new(&self.0, PollFlags::IN)], None) {
                Err(rustix::io::Errno::INTR) => {}
                result => return result.map(drop).map_err(Into::into),
            }
        }
    }

    /// Sends a signal; to a process that has ended, that is no error.
    ///
    /// # Errors
    /// `EPERM`.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        match rustix::process::pidfd_send_signal(&self.0, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes a copy of the descriptor with this number in the process.
    ///
    /// # Errors
    /// `EBADF` when it has none; `EPERM` when this process may not trace it.
    pub fn take(&self, number: i32) -> io::Result<OwnedFd> {
        Ok(rustix::process::pidfd_getfd(&self.0, number, rustix::process::PidfdGetfdFlags::empty())?)
    }

    /// How the process, a child of this one, ended; waits for that. With `reap`, the child is gone afterwards.
    ///
    /// # Errors
    /// `ECHILD` when it is no child of this process.
    pub fn wait(&self, reap: bool) -> io::Result<WaitIdStatus> {
        let options = if reap { WaitIdOptions::EXITED } else { WaitIdOptions::EXITED | WaitIdOptions::NOWAIT };
        loop {
            match rustix::process::waitid(WaitId::PidFd(self.0.as_fd()), options) {
                Ok(Some(status)) => return Ok(status),
                Ok(None) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl From<OwnedFd> for PidFd {
    /// Takes a descriptor that `clone3` or `pidfd_open` made.
    fn from(fd: OwnedFd) -> Self {
        Self(fd)
    }
}

impl AsFd for PidFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// When a process began, in clock ticks since boot: with the pid, its identity. See `proc_pid_stat(5)`.
///
/// # Errors
/// `NotFound` when there is no such process.
pub fn start_time(pid: Pid) -> io::Result<u64> {
    // The error's own number tells whether the process is gone, before the file was opened or after.
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_pid())).map_err(|error| {
        let gone = error.raw_os_error() == Some(libc::ESRCH);
        if gone { io::ErrorKind::NotFound.into() } else { error }
    })?;
    // The second field is a name that may hold spaces and parentheses; the 22nd is the 20th after its end.
    stat.rsplit_once(") ")
        .and_then(|(_, rest)| rest.split(' ').nth(19)?.parse().ok())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no start time in /proc/PID/stat"))
}
