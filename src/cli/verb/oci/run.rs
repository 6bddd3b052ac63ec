//! `run`: creates, starts and, unless detached, stays with a container to its end.

use std::os::fd::OwnedFd;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

use super::create::make;
use super::log::Log;
use crate::cli::args::{OciArgs, OciRunArgs};
use crate::cli::relay;
use crate::cli::terminal::{self, RawMode};
use crate::runtime::Signal;
use crate::runtime::oci::{Container, OciError, Root};

/// What is passed on to the container; the others are for us, or cannot be caught.
const SIGNALS: [Signal; 8] =
    [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TERM, Signal::USR1, Signal::USR2, Signal::ALARM, Signal::CONT];

pub(super) fn run(root: &Root, args: &OciArgs, run: &OciRunArgs, log: &Log) -> Result<ExitCode, OciError> {
    if !run.detach {
        // Init is not a child of ours: it falls to us.
        rustix::process::set_child_subreaper(rustix::process::Pid::from_raw(1)).map_err(std::io::Error::from)?;
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
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut relayed = None;
    // Restored when dropped, on every way out.
    let mut raw = None;
    if let Some(master) = terminal {
        raw = RawMode::enter(rustix::stdio::stdin()).ok();
        relayed = Some(relay::start(master)?);
        resize(relayed.as_ref());
    }
    let code = runtime.block_on(async {
        let mut passed = Vec::new();
        for kind in SIGNALS {
            passed.push((kind, signal(SignalKind::from_raw(kind.as_raw()))?));
        }
        let mut resized = signal(SignalKind::window_change())?;
        let ended = container.ended();
        tokio::pin!(ended);
        loop {
            let any = std::future::poll_fn(|context| {
                let came =
                    passed.iter_mut().find_map(|(kind, stream)| stream.poll_recv(context).is_ready().then_some(*kind));
                came.map_or(std::task::Poll::Pending, std::task::Poll::Ready)
            });
            tokio::select! {
                code = &mut ended => return code,
                // One that has just ended needs no signal any more.
                kind = any => drop(container.kill(kind)),
                _ = resized.recv() => resize(relayed.as_ref()),
            }
        }
    });
    if let Some(relay) = relayed {
        relay.finish();
    }
    drop(raw);
    code
}

fn resize(relay: Option<&relay::Relay>) {
    if let (Some(relay), Some(size)) = (relay, terminal::size(rustix::stdio::stdin())) {
        // A terminal that has hung up has no size.
        let _ = relay.resize(size);
    }
}
