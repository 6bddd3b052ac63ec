//! The supervisor's side of a container's first moments: from [`Config`] to [`Handle`].

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::fs::{CWD, Mode, OFlags};
use rustix::process::Signal;

use super::channel::{Channel, Message};
use super::record::{self, ProcessRecord};
use super::{Config, Handle, RuntimeError, shim};
use crate::sys::readiness::readable;
use crate::sys::spawn::{Spawned, Streams};

/// A container that exists and whose program has not been executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Init {
    /// The pid of its init, as seen from here: `/proc/PID/ns/net` is its network namespace. It stays this process's
    /// as long as the [`Shim`] has not been started or dropped.
    pub pid: i32,
    /// What could not be done as asked and does not prevent it from running.
    pub warnings: Vec<String>,
}

/// A shim whose container has not been started. Dropping it undoes all.
#[derive(Debug)]
pub struct Shim {
    /// `None` only while it is being turned into a [`Handle`].
    process: Option<Spawned>,
    channel: Channel,
    directory: std::path::PathBuf,
    is_external: bool,
}

/// How long the shim of another runtime may take to undo what that has made.
const UNDO: Duration = Duration::from_secs(10);

impl Shim {
    /// Starts the shim of a new container. It holds `keep` open as long as the container lives: reserved ports.
    ///
    /// Must be called within a tokio runtime with IO.
    ///
    /// # Errors
    /// All but [`RuntimeError::Container`].
    pub fn spawn(config: &Config, keep: &[BorrowedFd<'_>]) -> Result<Self, RuntimeError> {
        supported(config)?;
        record::write(&config.directory, record::CONFIG, &config.placed())?;
        let (ours, theirs) = Channel::pair().map_err(RuntimeError::Channel)?;
        let null = null().map_err(RuntimeError::Channel)?;
        let streams = Streams { stdin: null.as_fd(), stdout: null.as_fd(), stderr: null.as_fd() };
        // The id is for whoever reads a list of processes.
        let process = spawn_role(shim::ROLE, Some(config.id.short()), streams, theirs.as_fd())?;
        let shim = Self {
            process: Some(process),
            channel: ours,
            directory: config.directory.clone(),
            is_external: config.external.is_some(),
        };
        let message = Message::Create { directory: config.directory.clone() };
        shim.channel.send_all(&message, keep).map_err(RuntimeError::Channel)?;
        Ok(shim)
    }

    /// Waits until the container exists: its namespaces are there, its init waits.
    ///
    /// # Errors
    /// [`RuntimeError::Container`] says which step failed.
    pub async fn created(&mut self) -> Result<Init, RuntimeError> {
        match receive(&self.channel).await?.0 {
            Message::Created { pid, warnings, .. } => Ok(Init { pid, warnings }),
            message => Err(unexpected(message)),
        }
    }

    /// Executes the container's program.
    ///
    /// # Errors
    /// [`RuntimeError::Container`] with code 127 or 126 when it cannot be executed.
    pub async fn start(mut self) -> Result<Handle, RuntimeError> {
        // How an earlier run ended must not be taken for the end of this one. Not sooner: until the root was mounted it
        // told that the earlier run had unmounted it. Nor is it a run whose shim was killed, which one without an end is.
        record::remove(&self.directory, record::STATUS)?;
        record::remove(&self.directory, record::EXIT)?;
        self.channel.send(&Message::Start, &[]).map_err(|_| RuntimeError::ShimGone)?;
        match receive(&self.channel).await?.0 {
            Message::Started { pid, start_time } => {
                let process = self.process.take().expect("taken only here, where the shim is consumed");
                // The shim takes the end of this channel for the end of whoever watches over the container.
                let channel = self.channel.duplicate().map_err(RuntimeError::Channel)?;
                Handle::started(&self.directory, process, ProcessRecord { pid, start_time }, channel)
            }
            message => Err(unexpected(message)),
        }
    }
}

impl Drop for Shim {
    /// Without its shim, an init that has not been started exits by itself; one of another runtime does not.
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            if self.is_external {
                let _ = rustix::net::shutdown(self.channel.as_fd(), rustix::net::Shutdown::Both);
                let _ = process.pidfd.wait_exited_for(UNDO);
            }
            let _ = process.pidfd.signal(Signal::KILL);
            let _ = process.pidfd.wait(true);
        }
    }
}

/// Whether all that a configuration asks for can be done.
pub(super) fn supported(config: &Config) -> Result<(), RuntimeError> {
    Ok(super::spec::check(&config.spec)?)
}

/// Starts this program again in `role`.
pub(super) fn spawn_role(
    role: &'static str,
    label: Option<&str>,
    streams: Streams<'_>,
    channel: BorrowedFd<'_>,
) -> Result<Spawned, RuntimeError> {
    let executable = crate::sys::self_exe::sealed().map_err(RuntimeError::Copy)?;
    let arguments: Vec<CString> = ["rcompose", role]
        .into_iter()
        .chain(label)
        .map(|text| CString::new(text).expect("roles and ids hold no zero byte"))
        .collect();
    crate::sys::spawn::spawn(executable, &arguments, streams, channel)
        .map_err(|source| RuntimeError::Spawn { role, source })
}

pub(super) fn null() -> io::Result<OwnedFd> {
    Ok(rustix::fs::openat(CWD, "/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?)
}

/// Waits for the next message without keeping the thread.
pub(super) async fn receive(channel: &Channel) -> Result<(Message, Vec<OwnedFd>), RuntimeError> {
    let receive = async {
        let watched = readable(channel.as_fd())?;
        // Readable means a whole message, or the end: receiving does not block.
        drop(watched.readable().await?);
        channel.receive()
    };
    receive.await.map_err(RuntimeError::Channel)?.ok_or(RuntimeError::ShimGone)
}

pub(super) fn unexpected(message: Message) -> RuntimeError {
    match message {
        Message::Failed(failure) => RuntimeError::Container { code: failure.code, error: failure.error },
        _ => RuntimeError::Channel(io::Error::new(io::ErrorKind::InvalidData, "message out of order")),
    }
}
