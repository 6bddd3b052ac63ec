//! A container's standard input, as its shim holds it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::termios::{Winsize, tcsetwinsize};

/// The end that clients' input is written to.
#[derive(Debug, Default)]
pub(in crate::runtime) struct Input {
    /// Of a pipe, or of a terminal; `None` where nothing is read.
    fd: Option<OwnedFd>,
    terminal: Option<OwnedFd>,
    is_once: bool,
    /// What the container has not taken: at most one packet.
    held: Vec<u8>,
    ends: bool,
}

impl Input {
    /// The writing end of a pipe, which does not block.
    pub(in crate::runtime) fn pipe(fd: Option<OwnedFd>, is_once: bool) -> Self {
        Self { fd, is_once, ..Self::default() }
    }

    /// A terminal's master, which does not block; `typed` is another one when somebody may type.
    pub(in crate::runtime) fn terminal(terminal: OwnedFd, typed: Option<OwnedFd>) -> Self {
        Self { fd: typed, terminal: Some(terminal), ..Self::default() }
    }

    /// Whether more can be taken in.
    pub(super) fn has_room(&self) -> bool {
        self.held.is_empty()
    }

    /// Takes input from a client; without anyone to read it, it is dropped.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.fd.is_some() && !self.ends {
            self.held.extend_from_slice(bytes);
            self.write();
        }
    }

    /// No more comes from a client that has sent some.
    pub(super) fn client_left(&mut self) {
        if self.is_once {
            self.ends = true;
            self.write();
        }
    }

    /// Hands on what is held, as far as the container takes it.
    pub(in crate::runtime) fn write(&mut self) {
        while let (Some(fd), false) = (&self.fd, self.held.is_empty()) {
            match rustix::io::write(fd, &self.held) {
                Ok(count) => drop(self.held.drain(..count)),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                // Nobody reads it any more.
                Err(_) => self.fd = None,
            }
        }
        self.held = Vec::new();
        if self.ends {
            self.fd = None;
        }
    }

    /// What is to become writable before more can be handed on.
    pub(in crate::runtime) fn waits_for(&self) -> Option<BorrowedFd<'_>> {
        self.fd.as_ref().filter(|_| !self.held.is_empty()).map(AsFd::as_fd)
    }

    pub(super) fn resize(&self, size: Winsize) {
        if let Some(terminal) = &self.terminal {
            // The terminal's programs are told by SIGWINCH; without any left there is nothing to tell.
            let _ = tcsetwinsize(terminal, size);
        }
    }
}
