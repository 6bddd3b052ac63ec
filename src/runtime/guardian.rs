//! Bringing back whoever watches over the container, when it dies before the container does.
//!
//! ```text
//! Watching ──channel closes──▶ Due ──nobody answers──▶ Revived ──dies──▶ Due …
//!                               │                        └──leaves in order──▶ Resting
//!                               └───somebody does────▶ Found ──dies──▶ Due …
//! ```
//! The shims of a project notice the death of their supervisor at the same moment. Each waits for a moment of its own
//! before it looks whether one answers again, so that the first revives it and the others find it there.

use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::event::Timespec;
use serde::{Deserialize, Serialize};

use super::channel::Channel;
use crate::sys::self_exe;
use crate::sys::spawn::{Spawned, Streams, spawn};

/// How long a look is put off at least, in milliseconds: what answers may be dying.
const PAUSE: u64 = 10;
/// The shims' moments are spread over this many milliseconds.
const SPREAD: u32 = 64;
/// How often one shim revives: what dies at once each time is not helped by more.
const REVIVALS: u32 = 8;

/// Who watches over a container, and how to start it again: as this program in another role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guardian {
    /// Where it answers while it lives.
    pub socket: PathBuf,
    /// The arguments to start it with, after the program's name.
    pub arguments: Vec<String>,
    /// What its standard error is appended to.
    pub log: PathBuf,
}

/// A shim's view of its guardian.
pub(super) struct Keeper {
    guardian: Guardian,
    state: State,
    revivals: u32,
}

enum State {
    Watching(Channel),
    Due(Instant),
    Revived(Spawned),
    /// Somebody else's, or one that dies: it closes one descriptor after the other, and until then its socket answers.
    Found(UnixStream),
    Resting,
}

impl Keeper {
    /// Watches the guardian at the other end of `channel`; without one to start again, does nothing.
    pub(super) fn new(guardian: Option<Guardian>, channel: Channel) -> Option<Self> {
        guardian.map(|guardian| Self { guardian, state: State::Watching(channel), revivals: 0 })
    }

    /// What becomes readable when the guardian dies.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        match &self.state {
            State::Watching(channel) => Some(channel.as_fd()),
            State::Revived(child) => Some(child.pidfd.as_fd()),
            State::Found(connection) => Some(connection.as_fd()),
            State::Due(_) | State::Resting => None,
        }
    }

    /// How long to wait at most before the next [`Keeper::tick`].
    pub(super) fn timeout(&self) -> Option<Timespec> {
        let State::Due(due) = self.state else { return None };
        Timespec::try_from(due.saturating_duration_since(Instant::now())).ok()
    }

    /// Does what is due. `readable` tells whether the descriptor was.
    pub(super) fn tick(&mut self, readable: bool) {
        self.state = match std::mem::replace(&mut self.state, State::Resting) {
            State::Watching(_) | State::Found(_) if readable => {
                State::Due(Instant::now() + Duration::from_millis(PAUSE + u64::from(std::process::id() % SPREAD)))
            }
            State::Revived(child) if readable => match child.pidfd.wait(true) {
                // It left in order. One that failed may have met a dying one, or found another one there: see `revive`.
                Ok(status) if status.exit_status() == Some(0) => State::Resting,
                _ => State::Due(Instant::now() + Duration::from_millis(100 << self.revivals)),
            },
            State::Due(due) if due <= Instant::now() => self.revive(),
            state => state,
        }
    }

    fn revive(&mut self) -> State {
        if let Ok(connection) = UnixStream::connect(&self.guardian.socket) {
            return State::Found(connection);
        }
        if self.revivals >= REVIVALS {
            return State::Resting;
        }
        self.revivals += 1;
        // Nobody is there to be told why it cannot be: the next command of the user's tries again.
        self.guardian.start().map_or(State::Resting, State::Revived)
    }
}

impl Guardian {
    fn start(&self) -> std::io::Result<Spawned> {
        let null = super::spawn::null()?;
        // A pipe that nobody holds the other end of: it is told at once that nobody waits for it.
        let (stdin, _) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        let log = fs_err::OpenOptions::new().create(true).append(true).open(&self.log)?;
        let mut arguments = vec![CString::from(c"rcompose")];
        for argument in &self.arguments {
            arguments.push(CString::new(argument.as_str())?);
        }
        let log = log.into_parts().0;
        let streams = Streams { stdin: stdin.as_fd(), stdout: null.as_fd(), stderr: log.as_fd() };
        spawn(self_exe::sealed()?, &arguments, streams, null.as_fd())
    }
}
