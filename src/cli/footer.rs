//! A line at the bottom of the terminal, below all else that is written.
//!
//! Whoever writes anything hides it first, which leaves the cursor where it began; it is shown again when nothing has been
//! written for a moment. So nothing need be known of what others write, and how.

use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::terminal;

/// How long nothing is written before it is shown again.
const QUIET: Duration = Duration::from_millis(100);

static IS_SHOWN: AtomicBool = AtomicBool::new(false);
/// Notified when it was hidden.
static HIDDEN: Notify = Notify::const_new();

/// Takes it away, if it is there: before anything is written.
pub(super) fn hide() {
    if IS_SHOWN.swap(false, Ordering::Relaxed) {
        // Nobody is left to be told that the terminal is gone.
        let _ = write("\r\x1b[2K");
        HIDDEN.notify_one();
    }
}

/// The line, as long as this lives.
#[derive(Debug)]
pub(super) struct Footer {
    text: String,
    due: Option<Instant>,
}

impl Footer {
    /// Shows `text`, one line without escapes, as soon as nothing is written any more.
    pub(super) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), due: Some(Instant::now() + QUIET) }
    }

    /// Has it say something else.
    pub(super) fn say(&mut self, text: &str) {
        hide();
        *self = Self::new(text);
    }

    /// Shows it whenever it is time to; never returns. Safe to cancel.
    pub(super) async fn keep(&mut self) -> std::convert::Infallible {
        loop {
            let due = self.due;
            let wait = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = HIDDEN.notified() => self.due = Some(Instant::now() + QUIET),
                () = wait => {
                    self.due = None;
                    self.show();
                }
            }
        }
    }

    fn show(&self) {
        // One that is longer would go on in the next line, which is not taken away.
        let columns = terminal::size(rustix::stdio::stdout()).map_or(80, |size| usize::from(size.columns));
        let text: String = self.text.chars().take(columns.saturating_sub(1)).collect();
        if write(&format!("\x1b[2m{text}\x1b[0m")).is_ok() {
            IS_SHOWN.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for Footer {
    fn drop(&mut self) {
        hide();
    }
}

fn write(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}
