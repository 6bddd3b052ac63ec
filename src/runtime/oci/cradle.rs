//! `rcompose __oci`: clones a container's init, single-threaded and from a sealed copy of this program, and ends when its
//! creator says that all is well. Init then falls to the subreaper of whoever called.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;

use super::Solitary;
use super::container::Container;
use super::state::{HookState, STATE, StateRecord, Status};
use crate::runtime::channel::{Channel, Failure, Message};
use crate::runtime::newborn::{BirthError, Newborn, Origin};
use crate::runtime::spawn::null;
use crate::runtime::{Config, RuntimeError, init, record};
use crate::sys::clone::SingleThreaded;
use crate::sys::{signal, spawn};

/// The first argument of this role.
pub(in crate::runtime) const ROLE: &str = "__oci";

/// Why there is no init.
#[derive(Debug, thiserror::Error)]
enum CradleError {
    #[error("cannot prepare the making of a container")]
    Setup(#[from] io::Error),
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    #[error(transparent)]
    Birth(#[from] BirthError),
    #[error("nobody waits for the container any more")]
    Abandoned,
}

/// Makes the init that the channel asks for.
pub(in crate::runtime) fn main() -> ExitCode {
    let Ok(channel) = spawn::inherited_channel().map(Channel::from) else { return ExitCode::FAILURE };
    match run(&channel) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let failure = Failure { code: 125, error: init::text(&error) };
            // Nobody may be there to hear it.
            let _ = channel.send(&Message::Failed(failure), &[]);
            ExitCode::FAILURE
        }
    }
}

fn run(creator: &Channel) -> Result<(), CradleError> {
    let single = SingleThreaded::check()?;
    // A Ctrl-C is for the creator, whose end we notice.
    signal::block_all().map_err(io::Error::from)?;
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable).map_err(io::Error::from)?;
    let mut held = Vec::new();
    let directory = loop {
        match creator.receive()? {
            Some((Message::Hold, descriptors)) => held.extend(descriptors),
            Some((Message::Create { directory }, _)) => break directory,
            _ => return Err(CradleError::Abandoned),
        }
    };
    let config: Config = record::read(&directory, record::CONFIG)?.ok_or(CradleError::Abandoned)?;
    let state: StateRecord = record::read(&directory, STATE)?.ok_or(CradleError::Abandoned)?;
    let mut held = held.into_iter();
    let no_pivot = state.no_pivot;
    let solitary = Solitary {
        listener: held.next().ok_or(CradleError::Abandoned)?,
        preserved: held.collect(),
        state: HookState::new(&Container::new(directory, state).record, Status::Creating),
        no_pivot,
    };
    let streams = if has_terminal(&config) { null_streams()? } else { streams()? };
    let newborn = Newborn::clone(&config, streams, single, Origin::Alone(solitary))?;
    match hand_over(creator, &newborn) {
        Ok(()) => Ok(()),
        Err(error) => {
            newborn.undo();
            Err(error)
        }
    }
}

fn has_terminal(config: &Config) -> bool {
    config.spec.process().as_ref().is_some_and(|process| process.terminal() == Some(true))
}

/// For a container with a terminal: if it held the creator's streams until it is started, whoever reads what `create`
/// prints would wait for that.
fn null_streams() -> io::Result<[OwnedFd; 3]> {
    Ok([null()?, null()?, null()?])
}

/// Copies of our own streams, which are the creator's: the container's, unless it has a terminal.
fn streams() -> io::Result<[OwnedFd; 3]> {
    Ok([
        rustix::stdio::stdin().try_clone_to_owned()?,
        rustix::stdio::stdout().try_clone_to_owned()?,
        rustix::stdio::stderr().try_clone_to_owned()?,
    ])
}

/// Gives the creator the channel to init, and waits until it has no more need of us.
fn hand_over(creator: &Channel, newborn: &Newborn) -> Result<(), CradleError> {
    let message =
        Message::Created { pid: newborn.process.pid, start_time: newborn.process.start_time, warnings: Vec::new() };
    creator.send(&message, &[newborn.channel.as_fd()])?;
    match creator.receive()? {
        Some((Message::Start, _)) => Ok(()),
        _ => Err(CradleError::Abandoned),
    }
}
