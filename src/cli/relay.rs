//! Carries bytes between our terminal and that of a process in a container.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::thread::JoinHandle;

use rustix::termios::{Winsize, tcsetwinsize};
use tokio::sync::oneshot;

use super::detach_keys::{DetachKeys, Watcher};
use super::terminal::{self, Size};

/// A relay under way.
#[derive(Debug)]
pub(super) struct Relay {
    master: File,
    output: JoinHandle<()>,
    left: Option<oneshot::Receiver<()>>,
}

/// Starts to carry bytes between standard input and output and the terminal behind `master`, which gets our size.
///
/// # Errors
/// When the descriptor cannot be duplicated.
pub(super) fn start(master: OwnedFd) -> io::Result<Relay> {
    let master = File::from(master);
    let (mut from, mut to) = (master.try_clone()?, master.try_clone()?);
    let (press, left) = oneshot::channel();
    // Threads, since our standard input cannot be made non-blocking: the shell shares it. This one is left behind in
    // its read when the process ends.
    std::thread::spawn(move || {
        let mut keys = Watcher::new(DetachKeys::default());
        if read_typed(&mut keys, |bytes| to.write_all(bytes)) == Typed::Left {
            let _ = press.send(());
        }
    });
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
    let relay = Relay { master, output, left: Some(left) };
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

    /// Returns when the keys that leave have been pressed. Safe to cancel.
    pub(super) async fn left(&mut self) {
        if let Some(left) = &mut self.left
            && left.await.is_ok()
        {
            return;
        }
        self.left = None;
        std::future::pending().await
    }

    /// Waits until everything that was written is shown.
    pub(super) fn finish(self) {
        // It does not panic; were it so, there would be nothing more to show.
        let _ = self.output.join();
    }
}

/// Why nothing more is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Typed {
    /// The keys that leave were pressed.
    Left,
    /// Standard input has ended, or nobody takes it any more.
    Ended,
}

/// Hands what comes from standard input to `send`, but for the keys that leave.
pub(super) fn read_typed(keys: &mut Watcher, mut send: impl FnMut(&[u8]) -> io::Result<()>) -> Typed {
    let mut buffer = [0; 16 * 1024];
    let mut through = Vec::new();
    loop {
        match rustix::io::read(rustix::stdio::stdin(), &mut buffer) {
            Err(rustix::io::Errno::INTR) => {}
            Ok(count @ 1..) => {
                through.clear();
                let left = keys.take(&buffer[..count], &mut through);
                let sent = send(&through);
                if left {
                    return Typed::Left;
                }
                if sent.is_err() {
                    return Typed::Ended;
                }
            }
            _ => return Typed::Ended,
        }
    }
}
