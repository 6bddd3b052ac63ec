//! The shim: the parent of a container's init for as long as that lives. Small, single-threaded, needs nobody.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;

use jiff::Timestamp;
use nix::sys::signal::Signal;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::pipe::PipeFlags;

use super::channel::{Channel, Failure, Message};
use super::guardian::Keeper;
use super::log::{Stream, Writer};
use super::newborn::{BirthError, Newborn};
use super::record::{self, ProcessRecord, StatusRecord};
use super::{Config, ExitStatus, RuntimeError};
use crate::sys::clone::SingleThreaded;
use crate::sys::{memory, signal, spawn};

/// The first argument of this role.
pub(super) const ROLE: &str = "__shim";

/// Makes the container that the channel describes, and stays with it.
pub(super) fn main() -> ExitCode {
    let Ok(channel) = spawn::inherited_channel().map(Channel::from) else { return ExitCode::FAILURE };
    match run(channel) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Why a container did not come to be, before anybody was told.
#[derive(Debug, thiserror::Error)]
enum ShimError {
    #[error("cannot set up the shim")]
    Setup(#[from] io::Error),
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    #[error(transparent)]
    Birth(#[from] BirthError),
    #[error("cannot open log `{}`", path.display())]
    Log { path: std::path::PathBuf, source: io::Error },
    #[error("nobody waits for the container any more")]
    Abandoned,
}

fn run(channel: Channel) -> Result<(), ShimError> {
    let result = detach().and_then(|single| {
        // Held until the container ends.
        let mut held = Vec::new();
        let directory = loop {
            match channel.receive()? {
                Some((Message::Hold, descriptors)) => held.extend(descriptors),
                Some((Message::Create { directory }, _)) => break directory,
                _ => return Err(ShimError::Abandoned),
            }
        };
        let config: Config = record::read(&directory, record::CONFIG)?.ok_or(ShimError::Abandoned)?;
        Ok((Container::create(config, single)?, held))
    });
    let (mut container, _held) = result.inspect_err(|error| report(&channel, error))?;
    match container.start(&channel) {
        Ok(()) => {
            memory::trim();
            let keeper = Keeper::new(container.config.guardian.clone(), channel);
            container.watch(keeper)
        }
        Err(error) => {
            container.newborn.undo();
            report(&channel, &error);
            Err(error)
        }
    }
}

fn report(channel: &Channel, error: &ShimError) {
    let failure = match error {
        ShimError::Birth(BirthError::Init(failure)) => failure.clone(),
        error => Failure { code: 125, error: super::init::text(error) },
    };
    // Nobody may be there to hear it.
    let _ = channel.send(&Message::Failed(failure), &[]);
}

/// Leaves the session and the directory of whoever started it: their end is not ours.
fn detach() -> Result<SingleThreaded, ShimError> {
    let single = SingleThreaded::check()?;
    signal::ignore(&[Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM, Signal::SIGPIPE]).map_err(io::Error::from)?;
    rustix::process::setsid().map_err(io::Error::from)?;
    rustix::process::chdir("/").map_err(io::Error::from)?;
    // Inherited by init until it executes its program: processes in the container cannot look into its memory.
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable).map_err(io::Error::from)?;
    Ok(single)
}

/// A container and what its shim holds of it.
struct Container {
    config: Config,
    newborn: Newborn,
    log: Writer,
    /// What the container writes.
    output: Vec<(Stream, OwnedFd)>,
    started_at: Timestamp,
}

impl Container {
    fn create(config: Config, single: SingleThreaded) -> Result<Self, ShimError> {
        let log = Writer::open(&config.log, config.log_limits)
            .map_err(|source| ShimError::Log { path: config.log.clone(), source })?;
        let (stdout, stdout_write) = pipe()?;
        let (stderr, stderr_write) = pipe()?;
        let newborn = Newborn::clone(&config, [super::spawn::null()?, stdout_write, stderr_write], single, None)?;
        let output = vec![(Stream::Stdout, stdout), (Stream::Stderr, stderr)];
        Ok(Self { config, newborn, log, output, started_at: Timestamp::now() })
    }

    /// Tells that it is there, waits for the word, and executes its program.
    fn start(&mut self, supervisor: &Channel) -> Result<(), ShimError> {
        let (warnings, terminal) = self.newborn.ready()?;
        if let Some(master) = terminal {
            nonblocking(&master)?;
            self.output = vec![(Stream::Stdout, master)];
        }
        let ProcessRecord { pid, start_time } = self.newborn.process;
        supervisor.send(&Message::Created { pid, start_time, warnings }, &[])?;
        match supervisor.receive()? {
            Some((Message::Start, _)) => {}
            _ => return Err(ShimError::Abandoned),
        }
        self.newborn.release()?;
        let own = rustix::process::getpid();
        let own = ProcessRecord { pid: own.as_raw_pid(), start_time: crate::sys::pidfd::start_time(own)? };
        let status = StatusRecord::new(own, self.newborn.process);
        self.started_at = status.started_at;
        record::write(&self.config.directory, record::STATUS, &status)?;
        supervisor.send(&Message::Started { pid, start_time }, &[]).map_err(|_| ShimError::Abandoned)
    }

    /// Writes the log until init has ended, then the record of how, then reaps it: whoever finds no process finds the
    /// record.
    fn watch(mut self, mut keeper: Option<Keeper>) -> Result<(), ShimError> {
        self.pump(&mut keeper);
        let status = self.newborn.init.wait(false)?;
        let signal = status.terminating_signal();
        let code = status.exit_status().or(signal.map(|signal| 128 + signal)).unwrap_or(255);
        let exit = ExitStatus::new(code, signal, self.newborn.cgroup.oom_killed(), self.started_at);
        record::write(&self.config.directory, record::EXIT, &exit)?;
        self.newborn.init.wait(true)?;
        // Everything in the pid namespace has ended before its init; what is left to remove, `delete` removes.
        let _ = self.newborn.cgroup.delete();
        Ok(())
    }

    fn pump(&mut self, keeper: &mut Option<Keeper>) {
        // One for both streams: a shim is small.
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let (ended, bereaved) = {
                let mut watched: Vec<PollFd<'_>> =
                    self.output.iter().map(|(_, fd)| PollFd::new(fd, PollFlags::IN)).collect();
                watched.push(PollFd::new(&self.newborn.init, PollFlags::IN));
                let guardian = keeper.as_ref().and_then(Keeper::descriptor);
                watched.extend(guardian.map(|guardian| PollFd::from_borrowed_fd(guardian, PollFlags::IN)));
                let timeout = keeper.as_ref().and_then(Keeper::timeout);
                let polled = poll(&mut watched, timeout.as_ref()).is_ok();
                let is_ready =
                    |index| polled && watched.get(index).is_some_and(|fd: &PollFd<'_>| !fd.revents().is_empty());
                (is_ready(self.output.len()), is_ready(self.output.len() + 1))
            };
            if let Some(keeper) = keeper {
                keeper.tick(bereaved);
            }
            // After its end, what is still in the pipes is all there will be.
            let mut reads = if ended { usize::MAX } else { 16 };
            self.output.retain(|(stream, fd)| {
                while reads > 0 {
                    reads -= 1;
                    match rustix::io::read(fd, &mut buffer) {
                        Ok(0) => return false,
                        Ok(count) => self.log.append(*stream, &buffer[..count]),
                        Err(Errno::AGAIN) => return true,
                        Err(Errno::INTR) => {}
                        // A terminal without a process answers EIO.
                        Err(_) => return false,
                    }
                }
                true
            });
            if ended || self.output.is_empty() {
                self.log.finish();
            } else {
                self.log.flush();
            }
            if ended {
                return;
            }
        }
    }
}

/// A pipe whose reading end does not block.
fn pipe() -> Result<(OwnedFd, OwnedFd), io::Error> {
    let (read, write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
    nonblocking(&read)?;
    Ok((read, write))
}

fn nonblocking(fd: impl AsFd) -> Result<(), io::Error> {
    Ok(rustix::io::ioctl_fionbio(fd, true)?)
}
