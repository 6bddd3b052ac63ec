//! Signals that a command takes in the place of a container, to pass them on.

use std::io;
use std::task::Poll;

use tokio::signal::unix::{self, SignalKind, signal};

use crate::runtime::Signal;

/// Those that people and service managers send.
const KINDS: [Signal; 6] = [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TERM, Signal::USR1, Signal::USR2];

/// What comes in from now on.
#[derive(Debug)]
pub(super) struct Proxied(Vec<(Signal, unix::Signal)>);

impl Proxied {
    /// Takes the signals from now on.
    ///
    /// # Errors
    /// What `sigaction(2)` says.
    pub(super) fn new() -> io::Result<Self> {
        let listen = |kind: Signal| Ok((kind, signal(SignalKind::from_raw(kind.as_raw()))?));
        KINDS.into_iter().map(listen).collect::<io::Result<_>>().map(Self)
    }

    /// Waits for one. Safe to cancel.
    pub(super) async fn next(&mut self) -> Signal {
        std::future::poll_fn(|context| {
            let mut came =
                self.0.iter_mut().filter_map(|(kind, signal)| signal.poll_recv(context).is_ready().then_some(kind));
            came.next().map_or(Poll::Pending, |kind| Poll::Ready(*kind))
        })
        .await
    }
}
