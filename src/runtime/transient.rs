//! A container that lasts no longer than whoever made it: what a step of a build runs in.
//!
//! ```text
//! caller ──spawn──▶ rcompose __transient ──clone3──▶ init
//!        ──root, mounts, streams──▶
//!        closes its end, or dies ──▶ kills init, removes cgroup and directory, ends
//!                                    dies ──▶ the kernel kills init (PR_SET_PDEATHSIG)
//! ```
//! No log is written and nobody can attach: what the program writes goes straight to the caller's descriptors. The process
//! between the two is there for the end: it removes what the kernel does not, even if the caller is killed.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::ExitCode;

use jiff::Timestamp;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::Signal;

use super::channel::{Channel, Failure, Message};
use super::init::outside::Outside;
use super::newborn::{BirthError, Newborn, Origin};
use super::record::{self, ProcessRecord};
use super::spawn::{null, spawn_role, supported, unexpected};
use super::{Config, ExitStatus, Init, RuntimeError, Stdio, handle, init, shim};
use crate::sys::pidfd::PidFd;
use crate::sys::spawn::{self, Spawned};

/// The first argument of this role.
pub(super) const ROLE: &str = "__transient";

/// What the caller has made for a container.
#[derive(Debug)]
pub struct Given<'a> {
    /// Its root, mounted nowhere.
    pub root: OwnedFd,
    /// The bind mounts of its specification by their index there, mounted nowhere.
    pub trees: BTreeMap<usize, OwnedFd>,
    /// What its program reads and writes.
    pub streams: Stdio<'a>,
}

/// A container that ends when this is dropped, or with this process.
#[derive(Debug)]
pub struct Transient {
    process: Spawned,
    channel: Channel,
    init: PidFd,
}

impl Transient {
    /// Makes a container, whose program is not executed yet. Its directory, in which there is nothing, goes with it. Of its
    /// root file system, [`Config::rootfs`], only the layers below and what is hidden in them count: it is `given`, with the sources
    /// of all bind mounts.
    ///
    /// # Errors
    /// Any; then nothing is left of it.
    pub fn create(config: &Config, given: Given<'_>) -> Result<(Self, Init), RuntimeError> {
        let made = make(config, given);
        if made.is_err() {
            // Unless the one who was to has done it; the error that led here is the one to tell.
            let _ = fs_err::remove_dir_all(&config.directory);
        }
        made
    }

    /// Executes its program.
    ///
    /// # Errors
    /// [`RuntimeError::Container`] with code 127 or 126 when it cannot be executed.
    pub fn start(&self) -> Result<(), RuntimeError> {
        self.channel.send(&Message::Start, &[]).map_err(|_| RuntimeError::ShimGone)?;
        match receive(&self.channel)? {
            Message::Started { .. } => Ok(()),
            message => Err(unexpected(message)),
        }
    }

    /// Becomes readable when the container has ended.
    #[must_use]
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.channel.as_fd()
    }

    /// Ends all its processes; not an error when they have ended.
    pub fn kill(&self) {
        // Who ended meanwhile has told how.
        let _ = self.channel.send(&Message::Signal(Signal::KILL.as_raw()), &[]);
    }

    /// Waits until nothing is left of it, and says how it ended.
    ///
    /// # Errors
    /// [`RuntimeError::ShimGone`] when the process between was killed, and the container with it.
    pub fn ended(&self) -> Result<ExitStatus, RuntimeError> {
        match receive(&self.channel)? {
            Message::Ended(status) => Ok(status),
            message => Err(unexpected(message)),
        }
    }
}

impl Drop for Transient {
    fn drop(&mut self) {
        let _ = rustix::net::shutdown(self.channel.as_fd(), rustix::net::Shutdown::Both);
        let _ = self.process.pidfd.wait(true);
        // Of use only if that one was killed.
        let _ = self.init.signal(Signal::KILL);
    }
}

fn make(config: &Config, given: Given<'_>) -> Result<(Transient, Init), RuntimeError> {
    supported(config)?;
    record::write(&config.directory, record::CONFIG, &config.placed())?;
    let (ours, theirs) = Channel::pair().map_err(RuntimeError::Channel)?;
    let process = spawn_role(ROLE, Some(config.id.short()), given.streams, theirs.as_fd())?;
    drop(theirs);
    let outside = Outside { root: Some(given.root), trees: given.trees, nodes: BTreeMap::new() };
    let asked = outside
        .send(&ours)
        .and_then(|()| ours.send(&Message::Create { directory: config.directory.clone() }, &[]))
        .map_err(RuntimeError::Channel);
    // With the mounts still open here they would outlast the container.
    drop(outside);
    let created = asked.and_then(|()| match receive(&ours)? {
        Message::Created { pid, start_time, warnings } => {
            let init = handle::open(ProcessRecord { pid, start_time })?.ok_or(RuntimeError::ShimGone)?;
            Ok((init, Init { pid, warnings }))
        }
        message => Err(unexpected(message)),
    });
    match created {
        Ok((init, told)) => Ok((Transient { process, channel: ours, init }, told)),
        Err(error) => {
            drop(ours);
            let _ = process.pidfd.wait(true);
            Err(error)
        }
    }
}

fn receive(channel: &Channel) -> Result<Message, RuntimeError> {
    let received = channel.receive().map_err(RuntimeError::Channel)?;
    received.map(|(message, _)| message).ok_or(RuntimeError::ShimGone)
}

/// Why a container did not come to be.
#[derive(Debug, thiserror::Error)]
enum TransientError {
    #[error("cannot prepare the making of a container")]
    Setup(#[from] io::Error),
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    #[error(transparent)]
    Init(#[from] init::InitError),
    #[error(transparent)]
    Birth(#[from] BirthError),
    #[error("nobody waits for the container any more")]
    Abandoned,
}

/// Makes the container that the channel asks for, and stays with it.
pub(super) fn main() -> ExitCode {
    let Ok(channel) = spawn::inherited_channel().map(Channel::from) else { return ExitCode::FAILURE };
    match run(&channel) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let failure = match &error {
                TransientError::Birth(BirthError::Init(failure)) => failure.clone(),
                error => Failure { code: 125, error: init::text(error) },
            };
            // Nobody may be there to hear it.
            let _ = channel.send(&Message::Failed(failure), &[]);
            ExitCode::FAILURE
        }
    }
}

fn run(caller: &Channel) -> Result<(), TransientError> {
    let single = shim::detach()?;
    let outside = Outside::receive(caller)?;
    let Some((Message::Create { directory }, _)) = caller.receive()? else { return Err(TransientError::Abandoned) };
    let config: Config = record::read(&directory, record::CONFIG)?.ok_or(TransientError::Abandoned)?;
    let streams = take_streams()?;
    let mut newborn = Newborn::clone(&config, streams, single, Origin::Transient(outside))?;
    let started = start(&config, caller, &mut newborn);
    if started.is_err() {
        newborn.undo();
        let _ = fs_err::remove_dir_all(&directory);
    }
    let status = watch(caller, &newborn, started?)?;
    newborn.init.wait(true)?;
    // Everything in the pid namespace has ended before its init.
    let _ = newborn.cgroup.delete();
    let _ = fs_err::remove_dir_all(&directory);
    // Nobody may be there to hear it.
    let _ = caller.send(&Message::Ended(status), &[]);
    Ok(())
}

/// The standard streams are the container's; they are not to be open here when it has ended.
fn take_streams() -> io::Result<[OwnedFd; 3]> {
    let streams = [
        rustix::stdio::stdin().try_clone_to_owned()?,
        rustix::stdio::stdout().try_clone_to_owned()?,
        rustix::stdio::stderr().try_clone_to_owned()?,
    ];
    let null = null()?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    Ok(streams)
}

/// Tells that it is there, waits for the word, and executes its program.
fn start(config: &Config, caller: &Channel, newborn: &mut Newborn) -> Result<Timestamp, TransientError> {
    let (warnings, _) = newborn.ready(config)?;
    let ProcessRecord { pid, start_time } = newborn.process;
    caller.send(&Message::Created { pid, start_time, warnings }, &[])?;
    match caller.receive()? {
        Some((Message::Start, _)) => {}
        _ => return Err(TransientError::Abandoned),
    }
    newborn.release()?;
    caller.send(&Message::Started { pid, start_time }, &[]).map_err(|_| TransientError::Abandoned)?;
    Ok(Timestamp::now())
}

/// Waits until init has ended, or the caller wants it to, or is gone.
fn watch(caller: &Channel, newborn: &Newborn, started: Timestamp) -> Result<ExitStatus, TransientError> {
    let mut heard = false;
    loop {
        let mut watched = vec![PollFd::new(&newborn.init, PollFlags::IN)];
        if !heard {
            watched.push(PollFd::new(caller, PollFlags::IN));
        }
        match poll(&mut watched, None) {
            Err(rustix::io::Errno::INTR) => continue,
            ready => ready.map_err(io::Error::from)?,
        };
        if !watched[0].revents().is_empty() {
            break;
        }
        // Whatever it says, or that it says nothing more. What stays unread would keep it from hearing the answer.
        let _ = caller.receive();
        newborn.init.signal(Signal::KILL)?;
        heard = true;
    }
    let status = newborn.init.wait(false)?;
    let signal = status.terminating_signal();
    let code = status.exit_status().or(signal.map(|signal| 128 + signal)).unwrap_or(255);
    Ok(ExitStatus::new(code, signal, newborn.cgroup.oom_killed(), started))
}
