//! A container that an earlier command made: what it does now, and who may change that.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use super::state::{HookState, Phase, STATE, StateRecord};
use super::{OciError, State, Status};
use crate::runtime::cgroup::Cgroup;
use crate::runtime::{Config, RuntimeError, handle, record};
use crate::sys::FileLock;
use crate::sys::pidfd::PidFd;
use crate::sys::readiness::readable;

const LOCK: &str = "lock";

/// A container.
#[derive(Debug)]
pub struct Container {
    pub(super) directory: PathBuf,
    pub(super) record: StateRecord,
}

impl Container {
    pub(super) fn new(directory: PathBuf, record: StateRecord) -> Self {
        Self { directory, record }
    }

    /// Its directory, where an exec finds it.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Keeps other commands from changing it.
    pub(super) fn lock(directory: &Path) -> Result<FileLock, OciError> {
        FileLock::exclusive(&directory.join(LOCK)).map_err(OciError::directory("lock", directory))
    }

    /// Waits until no other command changes it, keeps them from it, and reads its record again.
    pub(super) fn locked(&mut self) -> Result<FileLock, OciError> {
        let lock = match Self::lock(&self.directory) {
            Err(_) if !self.directory.exists() => return Err(OciError::NotFound),
            result => result?,
        };
        self.record = record::read(&self.directory, STATE)?.ok_or(OciError::NotFound)?;
        Ok(lock)
    }

    /// Notes how far it has come.
    pub(super) fn write(&self) -> Result<(), OciError> {
        Ok(record::write(&self.directory, STATE, &self.record)?)
    }

    /// Its init, if that lives.
    pub(super) fn init(&self) -> Result<Option<PidFd>, OciError> {
        let Some(process) = self.record.init else { return Ok(None) };
        let Some(init) = handle::open(process)? else { return Ok(None) };
        let ended = init.has_exited().map_err(handle::failed("watch", process.pid))?;
        Ok(Some(init).filter(|_| !ended))
    }

    /// What it does now.
    ///
    /// # Errors
    /// [`OciError::Runtime`], [`OciError::Directory`].
    pub fn status(&self) -> Result<Status, OciError> {
        let status = self.status_when_locked()?;
        // Before there is an init, the lock tells whether somebody is about to make one.
        let being_made = status == Status::Stopped
            && self.record.phase == Phase::Creating
            && FileLock::try_exclusive(&self.directory.join(LOCK)).is_ok_and(|lock| lock.is_none());
        Ok(if being_made { Status::Creating } else { status })
    }

    /// What it does now, asked by who holds its lock: then nobody else is making it.
    pub(super) fn status_when_locked(&self) -> Result<Status, OciError> {
        Ok(match self.record.phase {
            _ if self.init()?.is_none() => Status::Stopped,
            Phase::Creating => Status::Creating,
            _ if self.cgroup()?.is_frozen() => Status::Paused,
            Phase::Created => Status::Created,
            Phase::Started => Status::Running,
        })
    }

    /// Its state, as `state` prints it.
    ///
    /// # Errors
    /// As [`Self::status`].
    pub fn state(&self) -> Result<State, OciError> {
        Ok(State::new(&self.record, self.status()?))
    }

    /// The pid of its init, as seen from here; 0 before there is one.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.record.init.map_or(0, |init| init.pid)
    }

    /// Gives `to` a descriptor of its init.
    ///
    /// # Errors
    /// [`OciError::NotRunning`], and those of `to`.
    pub fn with_init<T>(&self, to: impl FnOnce(BorrowedFd<'_>) -> Result<T, OciError>) -> Result<T, OciError> {
        to(self.init()?.ok_or(OciError::NotRunning)?.as_fd())
    }

    /// Waits for its end, whoever reaps its init. Must be called within a tokio runtime with IO.
    ///
    /// # Errors
    /// [`OciError::Runtime`].
    pub async fn gone(&self) -> Result<(), OciError> {
        let Some(init) = self.init()? else { return Ok(()) };
        let failed = |source| RuntimeError::Process { action: "watch", pid: self.pid(), source };
        drop(readable(init.as_fd()).map_err(failed)?.readable().await.map_err(failed)?);
        Ok(())
    }

    /// Waits for its end, reaps its init, which must have fallen to this process, and returns the exit code: 128 + signal
    /// when it was killed by one. Must be called within a tokio runtime with IO.
    ///
    /// # Errors
    /// [`OciError::Runtime`].
    pub async fn ended(&self) -> Result<i32, OciError> {
        let process = self.record.init.ok_or(OciError::NotRunning)?;
        let init = handle::open(process)?.ok_or(OciError::NotRunning)?;
        let failed = |source| RuntimeError::Process { action: "watch", pid: process.pid, source };
        drop(readable(init.as_fd()).map_err(failed)?.readable().await.map_err(failed)?);
        let status = init.wait(true).map_err(failed)?;
        Ok(status.exit_status().or(status.terminating_signal().map(|signal| 128 + signal)).unwrap_or(255))
    }

    pub(super) fn hook_state(&self, status: Status) -> String {
        HookState::new(&self.record, status).json()
    }

    /// Its configuration, as it was when it was made.
    pub(super) fn config(&self) -> Result<Config, OciError> {
        Ok(record::read(&self.directory, record::CONFIG)?.ok_or(RuntimeError::NotRunning)?)
    }

    pub(super) fn cgroup(&self) -> Result<Cgroup, OciError> {
        Ok(Cgroup::existing(&self.config()?.cgroup()))
    }
}
