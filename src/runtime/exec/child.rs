//! The caller's side of an exec.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::process::Signal;

use super::{Request, Stdio};
use crate::runtime::RuntimeError;
use crate::runtime::channel::{Channel, Message};
use crate::runtime::handle::{failed, open};
use crate::runtime::record::{self, StatusRecord};
use crate::runtime::spawn::{receive, spawn_role, unexpected};
use crate::sys::readiness::readable;
use crate::sys::self_exe;
use crate::sys::spawn::Spawned;

/// A process that runs in a container. Dropping it kills it, or takes its terminal from it if it has one, unless it was
/// started detached.
#[derive(Debug)]
pub struct ExecChild {
    /// Both are `None` only while it is dropped.
    process: Option<Spawned>,
    channel: Option<Channel>,
    pid: i32,
    terminal: Option<OwnedFd>,
}

impl ExecChild {
    pub(super) async fn spawn(
        request: Request,
        stdio: Stdio<'_>,
        preserved: &[BorrowedFd<'_>],
    ) -> Result<Self, RuntimeError> {
        let (ours, theirs) = Channel::pair().map_err(RuntimeError::Channel)?;
        share_program(&request.directory);
        let process = spawn_role(super::ROLE, None, stdio, theirs.as_fd())?;
        drop(theirs);
        ours.send_all(&Message::Exec(Box::new(request)), preserved).map_err(RuntimeError::Channel)?;
        match receive(&ours).await? {
            (Message::Started { pid, .. }, terminal) => {
                Ok(Self { process: Some(process), channel: Some(ours), pid, terminal: terminal.into_iter().next() })
            }
            (message, _) => {
                // It has nothing left to do but to end.
                let _ = process.pidfd.wait(true);
                Err(unexpected(message))
            }
        }
    }

    /// The pid of the process, as seen from here.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// The master of its terminal, if it was to have one.
    pub fn take_terminal(&mut self) -> Option<OwnedFd> {
        self.terminal.take()
    }

    /// Becomes readable when the process has ended.
    #[must_use]
    pub fn pidfd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.process().pidfd.as_fd()
    }

    /// A descriptor of the process in the container itself, as of now.
    ///
    /// # Errors
    /// [`RuntimeError::Process`] when it has ended.
    pub fn process_pidfd(&self) -> Result<OwnedFd, RuntimeError> {
        let pid = rustix::process::Pid::from_raw(self.pid).ok_or(RuntimeError::NotRunning)?;
        rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty())
            .map_err(|error| failed("open", self.pid)(error.into()))
    }

    fn process(&self) -> &Spawned {
        self.process.as_ref().expect("taken only when dropped")
    }

    /// Sends the process a signal.
    ///
    /// # Errors
    /// [`RuntimeError::Channel`] when it has ended.
    pub fn signal(&self, signal: Signal) -> Result<(), RuntimeError> {
        let channel = self.channel.as_ref().ok_or(RuntimeError::ShimGone)?;
        channel.send(&Message::Signal(signal.as_raw()), &[]).map_err(RuntimeError::Channel)
    }

    /// Leaves it, and its terminal, to itself: dropping this does not kill it any more.
    ///
    /// # Errors
    /// [`RuntimeError::Channel`] when it has ended.
    pub fn detach(&self) -> Result<(), RuntimeError> {
        let channel = self.channel.as_ref().ok_or(RuntimeError::ShimGone)?;
        channel.send(&Message::Detach, &[]).map_err(RuntimeError::Channel)
    }

    /// Waits for its end and returns its exit code, 128 + signal when it was killed by one.
    ///
    /// # Errors
    /// [`RuntimeError::Process`].
    pub async fn wait(&self) -> Result<i32, RuntimeError> {
        let watched = readable(self.process().pidfd.as_fd()).map_err(failed("watch", self.pid))?;
        drop(watched.readable().await.map_err(failed("watch", self.pid))?);
        let status = self.process().pidfd.wait(true).map_err(failed("reap", self.pid))?;
        Ok(status.exit_status().unwrap_or(137))
    }
}

impl Drop for ExecChild {
    /// The process that waits in the container sees the channel close, kills or hangs up, and ends; it is reaped when it has.
    fn drop(&mut self) {
        drop(self.channel.take());
        let Some(process) = self.process.take() else { return };
        match process.pidfd.has_exited() {
            Ok(false) => {
                // A process in the middle of slow IO dies when that is done: not waited for here.
                if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                    runtime.spawn(async move {
                        if let Ok(watched) = readable(process.pidfd.as_fd()) {
                            drop(watched.readable().await);
                            let _ = process.pidfd.wait(true);
                        }
                    });
                }
            }
            // Fails if it has been reaped.
            _ => drop(process.pidfd.wait(true)),
        }
    }
}

/// Has the process started from the copy of this program that the container's shim was started from, which is most of
/// what a command that executes one thing would do otherwise. Whatever is wrong with the container is told by the process.
fn share_program(directory: &Path) {
    if self_exe::has_copy() {
        return;
    }
    let Ok(Some(status)) = record::read::<StatusRecord>(directory, record::STATUS) else { return };
    let Ok(Some(shim)) = open(status.shim) else { return };
    // It was the shim's if the shim lives still.
    let lives = || shim.has_exited().is_ok_and(|exited| !exited);
    self_exe::share(Path::new(&format!("/proc/{}/exe", status.shim.pid)), lives);
}
