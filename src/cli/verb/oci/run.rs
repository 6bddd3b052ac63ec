//! `run`: creates, starts and, unless detached, stays with a container to its end.

use std::os::fd::OwnedFd;
use std::process::ExitCode;

use super::attend::{attend, hold_signals};
use super::create::make;
use super::log::Log;
use crate::cli::args::{OciArgs, OciRunArgs};
use crate::runtime::oci::{Container, OciError, Root};

pub(super) fn run(root: &Root, args: &OciArgs, run: &OciRunArgs, log: &Log) -> Result<ExitCode, OciError> {
    if !run.detach {
        // Init is not a child of ours: it falls to us.
        rustix::process::set_child_subreaper(rustix::process::Pid::from_raw(1)).map_err(std::io::Error::from)?;
        hold_signals()?;
    }
    let (mut container, terminal) = make(root, args, &run.create, !run.detach, log)?;
    match container.start() {
        Ok(hooks) => hooks.iter().for_each(|hook| log.warn(hook)),
        Err(error) => {
            // The error that led here is the one to tell.
            let _ = container.delete(true);
            return Err(error);
        }
    }
    if run.detach {
        return Ok(ExitCode::SUCCESS);
    }
    let code = stay(&container, terminal);
    if !run.keep {
        container.delete(true)?.iter().for_each(|hook| log.warn(hook));
    }
    Ok(ExitCode::from(u8::try_from(code? & 0xff).unwrap_or(255)))
}

/// Serves the container until it ends. Returns its exit code.
fn stay(container: &Container, terminal: Option<OwnedFd>) -> Result<i32, OciError> {
    // One that has just ended needs no signal any more.
    attend(terminal, container.ended(), |signal| drop(container.kill(Some(signal), false)))
}
