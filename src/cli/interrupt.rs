//! What Ctrl-C asks of an attached `up`: first to stop, then to stop now.

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
