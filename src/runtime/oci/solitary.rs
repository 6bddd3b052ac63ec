//! The part of init that is different for a container no shim stays with: hooks, the wait for `start`, passed descriptors.

use std::io;
use std::os::fd::OwnedFd;

use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use oci_spec::runtime::Spec;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::SocketFlags;

use super::hook::{self, HookError, Point};
use super::state::{HookState, Status};
use crate::runtime::channel::{Channel, Message};
use crate::sys::process;

/// What an init is given that waits for a later command.
#[derive(Debug)]
pub(in crate::runtime) struct Solitary {
    /// Where `start` connects.
    pub(super) listener: OwnedFd,
    /// For the program, as descriptors 3 and up.
    pub(super) preserved: Vec<OwnedFd>,
    pub(super) state: HookState,
    /// Whether the root is moved over the host's instead of swapped with it: see [`Create::no_pivot`](super::Create).
    pub(super) no_pivot: bool,
}

impl Solitary {
    /// Whether the host's root is to stay below the container's.
    pub(in crate::runtime) fn keeps_old_root(&self) -> bool {
        self.no_pivot
    }

    /// Runs the hooks that come when all is mounted and the host's file tree is still there: first, by the creator,
    /// those of the runtime's namespaces, then those of the container's.
    pub(in crate::runtime) fn before_pivot(&self, spec: &Spec, creator: &Channel) -> Result<(), HookError> {
        let Some(hooks) = spec.hooks() else { return Ok(()) };
        let asked = creator.send(&Message::Hooks, &[]).and_then(|()| creator.receive());
        if !matches!(asked, Ok(Some((Message::Start, _)))) {
            // It has nobody left to fail to.
            process::end(1);
        }
        let state = self.state.json_as(Status::Created, std::process::id().cast_signed());
        hook::run(Point::CreateContainer, Some(hooks), &state, None)
    }

    /// Waits for `start`. A signal that would end a program ends it: as PID 1 it would not get those that it neither
    /// handles nor blocks.
    pub(in crate::runtime) fn await_start(&self) -> io::Result<Channel> {
        sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None)?;
        let signals = SignalFd::with_flags(&SigSet::all(), SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        loop {
            let mut watched = [PollFd::new(&self.listener, PollFlags::IN), PollFd::new(&signals, PollFlags::IN)];
            match poll(&mut watched, None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            while let Ok(Some(received)) = signals.read_signal() {
                let number = i32::try_from(received.ssi_signo).unwrap_or_default();
                if ends(number) {
                    process::end(128 + number);
                }
            }
            if !watched[0].revents().is_empty() {
                break;
            }
        }
        let starter = Channel::from(rustix::net::accept_with(&self.listener, SocketFlags::CLOEXEC)?);
        starter.send(&Message::Ready { warnings: Vec::new() }, &[])?;
        match starter.receive()? {
            Some((Message::Start, _)) => {
                sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)?;
                Ok(starter)
            }
            _ => Err(io::ErrorKind::ConnectionAborted.into()),
        }
    }

    /// Runs the hooks that come right before the program, with its rights and its `environment`.
    pub(in crate::runtime) fn before_exec(&self, spec: &Spec, environment: &[String]) -> Result<(), HookError> {
        let state = self.state.json_as(Status::Created, std::process::id().cast_signed());
        hook::run_as_program(spec.hooks().as_ref(), &state, environment)
    }

    /// Puts the passed descriptors where the program looks for them. Returns the starter's channel, out of their way.
    pub(in crate::runtime) fn pass_descriptors(&self, starter: &Channel) -> io::Result<Channel> {
        starter.above_passed(&self.preserved)
    }
}

/// Whether the default effect of a signal is to end the process.
fn ends(signal: i32) -> bool {
    let stays = [
        Signal::SIGCHLD,
        Signal::SIGCONT,
        Signal::SIGURG,
        Signal::SIGWINCH,
        Signal::SIGTSTP,
        Signal::SIGTTIN,
        Signal::SIGTTOU,
    ];
    Signal::try_from(signal).is_ok_and(|signal| !stays.contains(&signal))
}
