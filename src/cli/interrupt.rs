//! What Ctrl-C asks for: any command to end, an attached `up` first to stop and then to stop now.

use tokio::signal::unix::{SignalKind, signal};

use super::error::CliError;

/// Runs a command until it ends or a signal asks it to. It is dropped then: its connection closes, which gives up its
/// request, and the terminal is as before.
///
/// # Errors
/// [`CliError::Interrupted`], or the command's own.
pub(super) async fn interruptible<T>(command: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        result = command => result,
        _ = interrupt.recv() => Err(CliError::Interrupted),
        _ = terminate.recv() => Err(CliError::Interrupted),
    }
}

/// What an interrupt asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interrupt {
    /// To stop everything, each container with its grace period.
    Stop,
    /// To kill everything.
    Kill,
}

/// Counts interrupts.
#[derive(Debug, Default)]
pub struct Interrupts {
    stopping: bool,
}

impl Interrupts {
    /// Whether there was one.
    #[must_use]
    pub fn any(&self) -> bool {
        self.stopping
    }

    /// Takes one in, and says what it asks for. Those after the second ask for nothing else.
    pub fn record(&mut self) -> Interrupt {
        if std::mem::replace(&mut self.stopping, true) { Interrupt::Kill } else { Interrupt::Stop }
    }
}

impl Interrupt {
    /// What to tell the user.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::Stop => "Gracefully Stopping... press Ctrl+C again to force",
            Self::Kill => "Killing...",
        }
    }
}

/// What to tell the user when a container's exit stops everything.
pub const ABORTING_ON_EXIT: &str = "Aborting on container exit...";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_kills() {
        let mut interrupts = Interrupts::default();
        assert_eq!([(); 3].map(|()| interrupts.record()), [Interrupt::Stop, Interrupt::Kill, Interrupt::Kill]);
    }
}
