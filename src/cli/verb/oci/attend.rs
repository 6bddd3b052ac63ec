//! Staying with a process to its end: its terminal is ours, signals are passed on.

use std::os::fd::OwnedFd;

use nix::sys::signal::SigSet;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::relay::{self, Relay};
use crate::cli::terminal::{self, RawMode};
use crate::runtime::Signal;
use crate::runtime::oci::OciError;

/// What is passed on; the others are for us, or cannot be caught.
const SIGNALS: [Signal; 8] =
    [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TERM, Signal::USR1, Signal::USR2, Signal::ALARM, Signal::CONT];

/// Keeps signals until [`attend`] takes them: one that comes before that is passed on, too.
pub(super) fn hold_signals() -> Result<(), OciError> {
    held().thread_block().map_err(|error| OciError::Channel(error.into()))
}

fn held() -> SigSet {
    SIGNALS.iter().filter_map(|signal| nix::sys::signal::Signal::try_from(signal.as_raw()).ok()).collect()
}

/// Waits for `ended`, giving each signal that comes to `pass_on`. Returns what `ended` does.
pub(super) fn attend(
    terminal: Option<OwnedFd>,
    ended: impl Future<Output = Result<i32, OciError>>,
    pass_on: impl Fn(Signal),
) -> Result<i32, OciError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let _running = runtime.enter();
    let mut relayed = None;
    // Restored when dropped, on every way out.
    let mut raw = None;
    if let Some(master) = terminal {
        // Without a terminal of ours there is nothing to put into raw mode.
        raw = RawMode::enter(rustix::stdio::stdin()).ok();
        // The other one passes newlines on as they are.
        if raw.is_some() {
            let _ = terminal::keep_newlines(rustix::stdio::stdin());
        }
        relayed = Some(relay::start(master)?);
    }
    let code = runtime.block_on(watch(ended, pass_on, relayed.as_ref()));
    if let Some(relay) = relayed {
        relay.finish();
    }
    drop(raw);
    code
}

async fn watch(
    ended: impl Future<Output = Result<i32, OciError>>,
    pass_on: impl Fn(Signal),
    relay: Option<&Relay>,
) -> Result<i32, OciError> {
    let mut passed = Vec::new();
    for kind in SIGNALS {
        passed.push((kind, signal(SignalKind::from_raw(kind.as_raw()))?));
    }
    held().thread_unblock().map_err(|error| OciError::Channel(error.into()))?;
    let mut resized = signal(SignalKind::window_change())?;
    tokio::pin!(ended);
    loop {
        let any = std::future::poll_fn(|context| {
            let came =
                passed.iter_mut().find_map(|(kind, stream)| stream.poll_recv(context).is_ready().then_some(*kind));
            came.map_or(std::task::Poll::Pending, std::task::Poll::Ready)
        });
        tokio::select! {
            code = &mut ended => return code,
            kind = any => pass_on(kind),
            _ = resized.recv() => {
                if let (Some(relay), Some(size)) = (relay, terminal::size(rustix::stdio::stdin())) {
                    // A terminal that has hung up has no size.
                    let _ = relay.resize(size);
                }
            }
        }
    }
}
