//! The user's terminal: its size, and raw mode while a command in a container has it.

use std::os::fd::BorrowedFd;

use rustix::io::Errno;
use rustix::termios::{LocalModes, OptionalActions, OutputModes, Termios, Winsize, tcgetattr, tcgetwinsize, tcsetattr};

/// How many characters fit on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Characters in a line; at least 1.
    pub columns: u16,
    /// Lines; at least 1.
    pub rows: u16,
}

/// The size of the terminal behind `fd`; `None` when it is none, or does not know.
#[must_use]
pub fn size(fd: BorrowedFd<'_>) -> Option<Size> {
    let Winsize { ws_col: columns, ws_row: rows, .. } = tcgetwinsize(fd).ok()?;
    (columns > 0 && rows > 0).then_some(Size { columns, rows })
}

/// Why a terminal cannot be put into raw mode.
#[derive(Debug, thiserror::Error)]
pub enum TerminalError {
    /// `tcgetattr(3)` failed.
    #[error("cannot read the settings of the terminal")]
    Read {
        /// Why.
        source: Errno,
    },
    /// `tcsetattr(3)` failed.
    #[error("cannot put the terminal into raw mode")]
    Write {
        /// Why.
        source: Errno,
    },
}

/// A terminal whose keys are passed on one by one. Dropping it restores what was.
#[derive(Debug)]
pub struct RawMode<'fd> {
    fd: BorrowedFd<'fd>,
    before: Termios,
}

impl<'fd> RawMode<'fd> {
    /// Puts the terminal behind `fd` into raw mode: every key, Ctrl-C too, is passed on as it is.
    ///
    /// # Errors
    /// [`TerminalError`], for the step that failed: `fd` is no terminal, or is gone.
    pub fn enter(fd: BorrowedFd<'fd>) -> Result<Self, TerminalError> {
        Self::with(fd, Termios::make_raw)
    }

    /// Has every key passed on that is not for the terminal itself, as Ctrl-C is; none is shown.
    ///
    /// # Errors
    /// As [`RawMode::enter`].
    pub fn by_key(fd: BorrowedFd<'fd>) -> Result<Self, TerminalError> {
        Self::with(fd, |settings| settings.local_modes -= LocalModes::ICANON | LocalModes::ECHO)
    }

    fn with(fd: BorrowedFd<'fd>, change: impl FnOnce(&mut Termios)) -> Result<Self, TerminalError> {
        let before = tcgetattr(fd).map_err(|source| TerminalError::Read { source })?;
        restore_on_panic(fd, &before);
        let mut raw = before.clone();
        change(&mut raw);
        tcsetattr(fd, OptionalActions::Now, &raw).map_err(|source| TerminalError::Write { source })?;
        Ok(Self { fd, before })
    }
}

/// Has the terminal behind `fd` go on writing newlines as its settings say, which raw mode keeps it from.
pub(super) fn keep_newlines(fd: BorrowedFd<'_>) -> Result<(), TerminalError> {
    change_output(fd, |modes| modes | OutputModes::OPOST)
}

/// Has the terminal behind `fd` hand on newlines as they are written, for another one to make lines of.
pub(super) fn pass_newlines(fd: BorrowedFd<'_>) -> Result<(), TerminalError> {
    change_output(fd, |modes| modes - OutputModes::ONLCR)
}

fn change_output(fd: BorrowedFd<'_>, change: impl Fn(OutputModes) -> OutputModes) -> Result<(), TerminalError> {
    let mut settings = tcgetattr(fd).map_err(|source| TerminalError::Read { source })?;
    settings.output_modes = change(settings.output_modes);
    tcsetattr(fd, OptionalActions::Now, &settings).map_err(|source| TerminalError::Write { source })
}

/// A panic ends this process without dropping anything: then the terminal is restored before it is told.
fn restore_on_panic(fd: BorrowedFd<'_>, before: &Termios) {
    let Ok(fd) = fd.try_clone_to_owned() else { return };
    let before = before.clone();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let _ = tcsetattr(&fd, OptionalActions::Drain, &before);
        hook(panic);
    }));
}

impl Drop for RawMode<'_> {
    fn drop(&mut self) {
        // Drain, so that output written raw is not reinterpreted. A failure means that the terminal is gone,
        // and its settings with it.
        let _ = tcsetattr(self.fd, OptionalActions::Drain, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::{AsFd, OwnedFd};

    use rustix::fs::{Mode, OFlags, open};
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::tcsetwinsize;

    use super::*;

    /// The two ends of a new pseudo-terminal.
    fn pseudo_terminal() -> (OwnedFd, OwnedFd) {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let path = ptsname(&controller, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let user = open(path.as_c_str(), flags, Mode::empty()).unwrap();
        (controller, user)
    }

    #[test]
    fn raw_mode_ends_with_its_guard() {
        let (_controller, user) = pseudo_terminal();
        let echoes = || tcgetattr(&user).unwrap().local_modes.contains(LocalModes::ECHO | LocalModes::ISIG);
        assert!(echoes());
        let raw = RawMode::enter(user.as_fd()).unwrap();
        assert!(!echoes());
        drop(raw);
        assert!(echoes());
    }

    #[test]
    fn keys_one_by_one_but_for_those_of_the_terminal() {
        let (_controller, user) = pseudo_terminal();
        let modes = || tcgetattr(&user).unwrap().local_modes;
        let raw = RawMode::by_key(user.as_fd()).unwrap();
        assert!(!modes().intersects(LocalModes::ICANON | LocalModes::ECHO) && modes().contains(LocalModes::ISIG));
        drop(raw);
        assert!(modes().contains(LocalModes::ICANON | LocalModes::ECHO));
    }

    #[test]
    fn a_panic_ends_raw_mode_before_it_is_told() {
        let (_controller, user) = pseudo_terminal();
        let raw = RawMode::enter(user.as_fd()).unwrap();
        assert!(std::thread::spawn(|| panic!("on purpose")).join().is_err());
        assert!(tcgetattr(&user).unwrap().local_modes.contains(LocalModes::ECHO));
        drop(raw);
    }

    #[test]
    fn sizes() {
        let (_controller, user) = pseudo_terminal();
        assert_eq!(size(user.as_fd()), None);
        tcsetwinsize(&user, Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        assert_eq!(size(user.as_fd()), Some(Size { columns: 80, rows: 24 }));
    }

    #[test]
    fn a_file_is_no_terminal() {
        let file = tempfile::tempfile().unwrap();
        assert_eq!(size(file.as_fd()), None);
        assert!(matches!(RawMode::enter(file.as_fd()), Err(TerminalError::Read { source: Errno::NOTTY })));
    }
}
