//! `up --menu`: keys that do something while `up` shows what containers write.

use std::io::{self, IsTerminal as _};

use rustix::stdio;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use super::detach_keys::{DetachKeys, Watcher};
use super::error::CliError;
use super::footer::{self, Footer};
use super::output;
use super::relay::read_typed;
use super::terminal::RawMode;

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// To begin to watch files, or to watch them no longer.
    Watch,
    /// To leave the containers running.
    Detach,
}

/// Waits for keys at the terminal, and says at its bottom what they do. Ctrl-C and the like remain what they are.
#[derive(Debug)]
pub(super) struct Menu {
    keys: mpsc::Receiver<u8>,
    /// Told when this command goes on after a Ctrl-Z: the shell has changed the terminal meanwhile.
    resumed: Signal,
    mode: Option<RawMode<'static>>,
    footer: Footer,
}

/// Whether there is somebody to press keys: a terminal, which is this command's and not that of one in the foreground.
pub(super) fn has_keyboard() -> bool {
    let is_ours = rustix::termios::tcgetpgrp(stdio::stdin()).is_ok_and(|group| group == rustix::process::getpgrp());
    is_ours && io::stdout().is_terminal()
}

impl Menu {
    /// Shows it.
    ///
    /// # Errors
    /// What the terminal says to being read key by key.
    pub(super) fn new(watches: bool) -> Result<Self, CliError> {
        let mode = Some(RawMode::by_key(stdio::stdin())?);
        let (pressed, keys) = mpsc::channel(16);
        // Left behind in its read: see `relay`.
        std::thread::spawn(move || {
            read_typed(&mut Watcher::new(DetachKeys::none()), |bytes| {
                bytes.iter().try_for_each(|key| pressed.blocking_send(*key)).map_err(io::Error::other)
            })
        });
        let resumed = signal(SignalKind::from_raw(nix::libc::SIGCONT))?;
        Ok(Self { keys, resumed, mode, footer: Footer::new(text(watches)) })
    }

    /// Says that files are watched, or are not any more.
    pub(super) fn watches(&mut self, watches: bool) {
        self.footer.say(text(watches));
    }

    /// What is chosen next. Safe to cancel.
    pub(super) async fn choice(&mut self) -> Choice {
        loop {
            tokio::select! {
                never = self.footer.keep() => match never {},
                Some(key) = self.keys.recv() => match key {
                    b'w' | b'W' => return Choice::Watch,
                    b'd' | b'D' => return Choice::Detach,
                    // Room between what was there and what comes.
                    b'\r' | b'\n' => {
                        let _ = output::print_more("\n");
                    }
                    _ => {}
                },
                _ = self.resumed.recv() => {
                    footer::hide();
                    // The old one first, which puts the terminal to where it was.
                    self.mode = None;
                    self.mode = RawMode::by_key(stdio::stdin()).ok();
                }
            }
        }
    }
}

fn text(watches: bool) -> &'static str {
    if watches { "  w Disable Watch   d Detach" } else { "  w Enable Watch   d Detach" }
}
