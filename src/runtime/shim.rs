//! The shim: the parent of a container's init for as long as that lives. Small, single-threaded, needs nobody.

use std::io;
use std::os::fd::OwnedFd;
use std::process::ExitCode;

use jiff::Timestamp;

use super::attach::Server;
use super::cgroup::Cgroup;
use super::channel::{Channel, Failure, Message};
use super::external::{self, ExternalError, Orphans};
use super::guardian::Keeper;
use super::log::Writer;
use super::newborn::{BirthError, Newborn, Origin};
use super::oci::{Attended, HookError};
use super::pump::{self, Ends};
use super::record::{self, ProcessRecord, StatusRecord};
use super::{Config, ExitStatus, RuntimeError};
use crate::sys::clone::SingleThreaded;
use crate::sys::pidfd::PidFd;
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
    #[error(transparent)]
    External(#[from] ExternalError),
    #[error(transparent)]
    Hook(#[from] HookError),
    #[error("cannot open log `{}`", path.display())]
    Log { path: std::path::PathBuf, source: io::Error },
    #[error("nobody waits for the container any more")]
    Abandoned,
}

fn run(channel: Channel) -> Result<(), ShimError> {
    let result = detach().map_err(ShimError::from).and_then(|single| {
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
            container.undo();
            report(&channel, &error);
            Err(error)
        }
    }
}

fn report(channel: &Channel, error: &ShimError) {
    let failure = match error {
        ShimError::Birth(BirthError::Init(failure)) => failure.clone(),
        ShimError::External(error) => Failure { code: error.code(), error: super::init::text(error) },
        error => Failure { code: 125, error: super::init::text(error) },
    };
    // Nobody may be there to hear it.
    let _ = channel.send(&Message::Failed(failure), &[]);
}

/// Leaves the session and the directory of whoever started it: their end is not ours.
pub(super) fn detach() -> io::Result<SingleThreaded> {
    let single = SingleThreaded::check()?;
    // Whoever means this process kills it; init gives itself all signals back.
    signal::block_all()?;
    rustix::process::setsid()?;
    rustix::process::chdir("/")?;
    // Inherited by init until it executes its program: processes in the container cannot look into its memory.
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(single)
}

/// An init that waits, by whom it was made.
enum Born {
    Here(Newborn),
    Elsewhere(external::Newborn),
}

impl Born {
    fn create(config: &Config, streams: [OwnedFd; 3], single: SingleThreaded) -> Result<Self, ShimError> {
        match &config.external {
            None => Ok(Self::Here(Newborn::clone(config, streams, single, Origin::Shim)?)),
            Some(runtime) => Ok(Self::Elsewhere(external::Newborn::create(config, runtime, &streams, single)?)),
        }
    }

    fn init(&self) -> &PidFd {
        match self {
            Self::Here(newborn) => &newborn.init,
            Self::Elsewhere(newborn) => &newborn.init,
        }
    }

    fn process(&self) -> ProcessRecord {
        match self {
            Self::Here(newborn) => newborn.process,
            Self::Elsewhere(newborn) => newborn.process,
        }
    }

    fn cgroup(&self) -> &Cgroup {
        match self {
            Self::Here(newborn) => &newborn.cgroup,
            Self::Elsewhere(newborn) => &newborn.cgroup,
        }
    }

    fn orphans(&self) -> Option<&Orphans> {
        match self {
            Self::Here(_) => None,
            Self::Elsewhere(newborn) => Some(&newborn.orphans),
        }
    }

    fn ready(&mut self, config: &Config) -> Result<(Vec<String>, Option<OwnedFd>), ShimError> {
        match self {
            Self::Here(newborn) => Ok(newborn.ready(config)?),
            Self::Elsewhere(newborn) => Ok((Vec::new(), newborn.take_terminal())),
        }
    }

    fn release(&mut self, config: &Config) -> Result<(), ShimError> {
        match self {
            Self::Here(newborn) => Ok(newborn.release()?),
            Self::Elsewhere(newborn) => Ok(newborn.release(config)?),
        }
    }
}

/// A container and what its shim holds of it.
struct Container {
    config: Config,
    newborn: Born,
    log: Writer,
    ends: Ends,
    /// Where clients attach; `None` when that cannot be, which keeps no container from running.
    server: Option<Server>,
    started_at: Timestamp,
}

impl Container {
    fn create(config: Config, single: SingleThreaded) -> Result<Self, ShimError> {
        let log = Writer::open(&config.log, &config.log_options)
            .map_err(|source| ShimError::Log { path: config.log.clone(), source })?;
        let (ends, streams) = Ends::pipes(config.stdin)?;
        let newborn = Born::create(&config, streams, single)?;
        // While init makes its root.
        let server = Server::bind(&config.directory).ok();
        Ok(Self { config, newborn, log, ends, server, started_at: Timestamp::now() })
    }

    /// Tells that it is there, waits for the word, and executes its program.
    fn start(&mut self, supervisor: &Channel) -> Result<(), ShimError> {
        // Before anything runs: on a full disk there is to be room for how it ended.
        record::reserve(&self.config.directory, record::STATUS)?;
        record::reserve(&self.config.directory, record::EXIT)?;
        let (warnings, terminal) = self.newborn.ready(&self.config)?;
        if let Some(master) = terminal {
            self.ends = Ends::terminal(master, self.config.stdin)?;
        }
        let ProcessRecord { pid, start_time } = self.newborn.process();
        supervisor.send(&Message::Created { pid, start_time, warnings }, &[])?;
        match supervisor.receive()? {
            Some((Message::Start, _)) => {}
            _ => return Err(ShimError::Abandoned),
        }
        self.newborn.release(&self.config)?;
        Attended::of(&self.config).map_or(Ok(()), |hooks| hooks.after_start(pid))?;
        let own = rustix::process::getpid();
        let own = ProcessRecord { pid: own.as_raw_pid(), start_time: crate::sys::pidfd::start_time(own)? };
        let status = StatusRecord::new(own, self.newborn.process());
        self.started_at = status.started_at;
        record::write(&self.config.directory, record::STATUS, &status)?;
        supervisor.send(&Message::Started { pid, start_time }, &[]).map_err(|_| ShimError::Abandoned)
    }

    /// Ends it before it has been started.
    fn undo(&self) {
        match &self.newborn {
            Born::Here(newborn) => newborn.undo(),
            Born::Elsewhere(newborn) => newborn.undo(&self.config),
        }
        if let Some(hooks) = Attended::of(&self.config) {
            hooks.after_end();
        }
    }

    /// Writes the log until init has ended, then the record of how, then reaps it: whoever finds no process finds the
    /// record.
    fn watch(mut self, mut keeper: Option<Keeper>) -> Result<(), ShimError> {
        let (init, orphans) = (self.newborn.init(), self.newborn.orphans());
        pump::run(&mut self.ends, &mut self.log, &mut self.server, init, &mut keeper, orphans);
        let status = init.wait(false)?;
        let signal = status.terminating_signal();
        let code = status.exit_status().or(signal.map(|signal| 128 + signal)).unwrap_or(255);
        let exit = ExitStatus::new(code, signal, self.newborn.cgroup().oom_killed(), self.started_at);
        let recorded = record::write(&self.config.directory, record::EXIT, &exit);
        if let Some(server) = &mut self.server {
            server.tell_exit(code);
        }
        init.wait(true)?;
        // Everything in the pid namespace has ended before its init; what is left to remove, `delete` removes.
        match &self.newborn {
            Born::Here(newborn) => drop(newborn.cgroup.delete()),
            Born::Elsewhere(newborn) => newborn.clear(&self.config),
        }
        if let Some(hooks) = Attended::of(&self.config) {
            hooks.after_end();
        }
        Ok(recorded?)
    }
}
