//! From a configuration to an init that waits: what the shim and the OCI command line do alike.

use std::cell::Cell;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use super::cgroup::{Cgroup, CgroupError};
use super::channel::{Channel, Failure, Message};
use super::init::outside::Outside;
use super::init::{self, InitError, Namespaces, Setup};
use super::oci::{Attended, Solitary};
use super::record::ProcessRecord;
use super::seccomp::{Agent, AgentError};
use super::{Config, RuntimeError};
use crate::sys::clone::{Cloned, SingleThreaded};
use crate::sys::pidfd::{PidFd, start_time};

/// Why there is no init.
#[derive(Debug, thiserror::Error)]
pub(super) enum BirthError {
    #[error(transparent)]
    Cgroup(#[from] CgroupError),
    #[error(transparent)]
    Namespace(#[from] InitError),
    #[error(transparent)]
    Agent(#[from] AgentError),
    #[error(transparent)]
    Hooks(#[from] RuntimeError),
    #[error("cannot talk to the container's init")]
    Channel(#[from] io::Error),
    #[error("the container's init ended before it was ready")]
    InitDied,
    #[error("{}", .0.error)]
    Init(Failure),
}

/// Who makes a container, and so what its init is given.
#[derive(Debug)]
pub(super) enum Origin {
    /// A shim, which stays with it.
    Shim,
    /// Somebody who leaves: it waits for its word elsewhere than at the channel.
    Alone(Solitary),
    /// Somebody whom it does not outlive, and who has made its root and what is mounted in that.
    Transient(Outside),
}

/// An init, child of this process, and what its parent holds of it. It prepares itself, says [`Message::Ready`] on the
/// channel, and waits for the word.
#[derive(Debug)]
pub(super) struct Newborn {
    pub(super) cgroup: Cgroup,
    pub(super) init: PidFd,
    pub(super) process: ProcessRecord,
    pub(super) channel: Channel,
    /// Who answers for its system calls, if anybody.
    agent: Option<Agent>,
}

impl Newborn {
    /// Makes the cgroup and the namespaces of a container, and its init in them, with `streams` as standard streams.
    pub(super) fn clone(
        config: &Config,
        streams: [OwnedFd; 3],
        single: SingleThreaded,
        origin: Origin,
    ) -> Result<Self, BirthError> {
        // The one of a solitary container is not asked for before that starts.
        let is_solitary = matches!(origin, Origin::Alone(_));
        let agent = if is_solitary { None } else { Agent::connect(config)? };
        let linux = config.spec.linux().as_ref();
        let namespaces = Namespaces::open(linux)?;
        let resources = linux.and_then(|linux| linux.resources().as_ref());
        let cgroup = Cgroup::create(&config.cgroup(), resources, is_solitary)?;
        match clone_init(config, &cgroup, namespaces, streams, single, origin) {
            Ok((init, process, channel)) => Ok(Self { cgroup, init, process, channel, agent }),
            Err(error) => {
                let _ = cgroup.delete();
                Err(error)
            }
        }
    }

    /// Waits until init has prepared itself. Returns what could not be done as asked, and the terminal's master.
    pub(super) fn ready(&self, config: &Config) -> Result<(Vec<String>, Option<OwnedFd>), BirthError> {
        loop {
            match self.channel.receive()? {
                Some((Message::Hooks, _)) => {
                    Attended::of(config).map_or(Ok(()), |hooks| hooks.of_runtime(self.process.pid))?;
                    self.channel.send(&Message::Start, &[]).map_err(|_| BirthError::InitDied)?;
                }
                Some((Message::Ready { warnings }, terminal)) => return Ok((warnings, terminal.into_iter().next())),
                Some((Message::Failed(failure), _)) => return Err(BirthError::Init(failure)),
                _ => return Err(BirthError::InitDied),
            }
        }
    }

    /// Has it execute its program, and waits until it has.
    pub(super) fn release(&mut self) -> Result<(), BirthError> {
        self.channel.send(&Message::Start, &[]).map_err(|_| BirthError::InitDied)?;
        let mut message = self.channel.receive()?;
        if let (Some((Message::Listener { number }, _)), Some(agent)) = (&message, self.agent.take()) {
            agent.hand_over((&self.init, self.process.pid), *number, &self.channel)?;
            message = self.channel.receive()?;
        }
        match message {
            // The program has been executed, which closed the other end.
            None => Ok(()),
            Some((Message::Failed(failure), _)) => Err(BirthError::Init(failure)),
            Some(_) => Err(BirthError::InitDied),
        }
    }

    /// Ends a container that has not been started.
    pub(super) fn undo(&self) {
        let _ = self.init.signal(rustix::process::Signal::KILL);
        let _ = self.init.wait(true);
        let _ = self.cgroup.delete();
    }
}

fn clone_init(
    config: &Config,
    cgroup: &Cgroup,
    namespaces: Namespaces,
    streams: [OwnedFd; 3],
    single: SingleThreaded,
    origin: Origin,
) -> Result<(PidFd, ProcessRecord, Channel), BirthError> {
    let (ours, theirs) = Channel::pair()?;
    let target = cgroup.target()?;
    match namespaces.clone(single, target.as_ref().map(AsFd::as_fd))? {
        Cloned::Child => {
            // With a copy of our end it would never see that we are gone.
            drop(ours);
            let (solitary, given) = match origin {
                Origin::Shim => (None, None),
                Origin::Alone(solitary) => (Some(solitary), None),
                Origin::Transient(outside) => (None, Some(outside)),
            };
            let is_transient = given.is_some();
            let given = Cell::new(given);
            let setup =
                Setup { config, cgroup, namespaces, channel: theirs, streams, single, solitary, given, is_transient };
            init::run(setup)
        }
        Cloned::Parent { pid, pidfd } => {
            // What init's copy of this end is for, its parent must not keep open: it would never see init's end.
            drop(theirs);
            let init = PidFd::from(pidfd);
            let process = ProcessRecord { pid: pid.as_raw_pid(), start_time: start_time(pid)? };
            if !matches!(origin, Origin::Transient(_))
                && init::outside::is_needed(&config.spec, &namespaces)
                && let Err(error) = init::outside::equip(config, &namespaces, &streams, single, pid, &ours)
            {
                // What it waits for will not come, and what it has to say is no news.
                let _ = init.signal(rustix::process::Signal::KILL);
                let _ = init.wait(true);
                return Err(error.into());
            }
            Ok((init, process, ours))
        }
    }
}
