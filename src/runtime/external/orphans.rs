//! Processes that fall to a subreaper when their parents end.

use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{Id, WaitPidFlag, waitid};

/// Tells when one has ended, and reaps all but one: the container's init, whose end is to be recorded first.
#[derive(Debug)]
pub(in crate::runtime) struct Orphans {
    signals: SignalFd,
    init: i32,
}

impl Orphans {
    /// This process blocks SIGCHLD.
    pub(super) fn watch(init: i32) -> nix::Result<Self> {
        let signals = [Signal::SIGCHLD].into_iter().collect::<SigSet>();
        let signals = SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        Ok(Self { signals, init })
    }

    /// What becomes readable.
    pub(in crate::runtime) fn descriptor(&self) -> BorrowedFd<'_> {
        self.signals.as_fd()
    }

    /// Reaps those that have ended. After init, there is nothing to be done here any more.
    pub(in crate::runtime) fn reap(&self) {
        while let Ok(Some(_)) = self.signals.read_signal() {}
        let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        while let Ok(status) = waitid(Id::All, look) {
            let Some(pid) = status.pid().filter(|pid| pid.as_raw() != self.init) else { return };
            let _ = waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG);
        }
    }
}
