//! Carries bytes between our terminal and that of a process in a container.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::thread::JoinHandle;

use rustix::termios::{Winsize, tcsetwinsize};

use super::terminal::{self, Size};

/// A relay under way.
#[derive(Debug)]
pub(super) struct Relay {
    master: File,
    output: JoinHandle<()>,
}

/// Starts to carry bytes between standard input and output and the terminal behind `master`, which gets our size.
///
/// # Errors
/// When the descriptor cannot be duplicated.
pub(super) fn start(master: OwnedFd) -> io::Result<Relay> {
    let master = File::from(master);
    let (mut from, mut to) = (master.try_clone()?, master.try_clone()?);
    // Threads, since our standard input cannot be made non-blocking: the shell shares it. This one is left behind in
    // its read when the process ends.
    std::thread::spawn(move || io::copy(&mut io::stdin(), &mut to));
    let output = std::thread::spawn(move || {
        let mut buffer = [0; 8192];
        let mut stdout = io::stdout();
        // EIO once the last process has closed the terminal's other end.
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            if stdout.write_all(&buffer[..count]).and_then(|()| stdout.flush()).is_err() {
                break;
            }
        }
    });
    let relay = Relay { master, output };
    if let Some(size) = terminal::size(rustix::stdio::stdin()) {
        relay.resize(size)?;
    }
    Ok(relay)
}

impl Relay {
    /// Gives the terminal another size.
    pub(super) fn resize(&self, size: Size) -> io::Result<()> {
        let size = Winsize { ws_row: size.rows, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0 };
        Ok(tcsetwinsize(&self.master, size)?)
    }

    /// Waits until everything that was written is shown.
    pub(super) fn finish(self) {
        // It does not panic; were it so, there would be nothing more to show.
        let _ = self.output.join();
    }
}
