//! Both directions between this process and a container that it is attached to.

use std::io;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::detach_keys::Watcher;
use super::relay::{Typed, read_typed};
use super::terminal;
use crate::runtime::log::Stream;
use crate::runtime::{Attachment, Said};

/// Why nothing more is shown of a container.
#[derive(Debug)]
pub(super) enum Shown {
    /// It has ended, with this code if that was told.
    All(Option<i32>),
    /// Our own output takes no more.
    Refused(io::Error),
}

/// Writes what the container says, until it has ended or nobody reads it any more.
pub(super) fn show(attachment: Arc<Attachment>) -> oneshot::Receiver<Shown> {
    let (told, ended) = oneshot::channel();
    std::thread::spawn(move || {
        let mut buffer = Vec::new();
        let shown = loop {
            let written = match attachment.receive(&mut buffer) {
                Ok(Said::Output(Stream::Stdout, bytes)) => write(&mut io::stdout(), bytes),
                Ok(Said::Output(Stream::Stderr, bytes)) => write(&mut io::stderr(), bytes),
                Ok(Said::Missed(count)) => {
                    let note = format!("\r\nrcompose: {count} bytes came too fast; the log has them\r\n");
                    write(&mut io::stderr(), note.as_bytes())
                }
                Ok(Said::Exited(code)) => break Shown::All(Some(code)),
                Ok(Said::Gone) | Err(_) => break Shown::All(None),
            };
            if let Err(error) = written {
                break Shown::Refused(error);
            }
        };
        let _ = told.send(shown);
    });
    ended
}

fn write(to: &mut impl io::Write, bytes: &[u8]) -> io::Result<()> {
    to.write_all(bytes)?;
    to.flush()
}

/// Sends what is typed, until the keys are pressed that leave.
pub(super) fn type_into(attachment: Arc<Attachment>, mut keys: Watcher) -> Option<oneshot::Receiver<()>> {
    attachment.will_send().ok()?;
    let (press, left) = oneshot::channel();
    std::thread::spawn(move || {
        let end = read_typed(&mut keys, |bytes| attachment.send_input(bytes));
        match end {
            Typed::Left => drop(press.send(())),
            Typed::Ended => drop(attachment.end_input()),
        }
    });
    Some(left)
}

/// When the keys that leave have been pressed; never when nobody can.
pub(super) async fn pressed(left: &mut Option<oneshot::Receiver<()>>) {
    if let Some(receiver) = left
        && receiver.await.is_ok()
    {
        return;
    }
    *left = None;
    std::future::pending().await
}

pub(super) fn resize(attachment: &Attachment) -> io::Result<()> {
    match terminal::size(rustix::stdio::stdin()).or_else(|| terminal::size(rustix::stdio::stdout())) {
        Some(size) => attachment.resize(size.rows, size.columns),
        None => Ok(()),
    }
}

/// Has a program that uses the whole screen draw it: it is told of a change of size, which it need not have seen.
pub(super) fn redraw(attachment: &Attachment) -> io::Result<()> {
    if let Some(size) = terminal::size(rustix::stdio::stdin()).or_else(|| terminal::size(rustix::stdio::stdout())) {
        attachment.resize(size.rows + 1, size.columns)?;
        attachment.resize(size.rows, size.columns)?;
    }
    Ok(())
}
