//! `rcompose attach`: joins a container's input and output at its shim; no supervisor is needed.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::cli::args::AttachArgs;
use crate::cli::context::Context;
use crate::cli::detach_keys::Watcher;
use crate::cli::error::CliError;
use crate::cli::relay::{Typed, read_typed};
use crate::cli::select::running_container;
use crate::cli::signals::Proxied;
use crate::cli::terminal::{self, RawMode};
use crate::runtime::log::Stream;
use crate::runtime::{Attachment, ExitStatus, Handle, Said};
use crate::supervisor::Configuration;

pub(in crate::cli) async fn run(context: &Context, args: AttachArgs) -> Result<ExitCode, CliError> {
    context.require_root()?;
    let paths = context.layout.project(&context.resolve_name()?);
    let record = running_container(&paths, paths.read_containers::<Configuration>()?, &args.service, args.index)?;
    let directory = paths.container(&record.id).run().to_owned();
    let Some(handle) = Handle::adopt(&directory)? else { return Err(CliError::NotRunning { service: args.service }) };
    let service = &record.config.service;
    let has_input = service.stdin_open && !args.no_stdin;
    let has_keys = has_input && service.tty;
    if has_keys && !io::stdin().is_terminal() {
        return Err(CliError::NoTerminal { service: args.service });
    }
    let attachment = Arc::new(Attachment::open(&directory)?);
    // Restored when dropped, on every way out.
    let raw = if has_keys { Some(RawMode::enter(rustix::stdio::stdin())?) } else { None };
    if service.tty {
        redraw(&attachment)?;
    }
    let mut ended = show(Arc::clone(&attachment));
    let mut left = if has_input { type_into(Arc::clone(&attachment), Watcher::new(args.detach_keys)) } else { None };
    let mut proxied = Proxied::new()?;
    let mut resized = signal(SignalKind::window_change())?;
    let code = loop {
        tokio::select! {
            code = &mut ended => break code.ok().flatten(),
            () = pressed(&mut left) => {
                drop(raw);
                // As docker has it.
                let _ = writeln!(io::stderr(), "read escape sequence");
                return Ok(ExitCode::SUCCESS);
            }
            signal = proxied.next() => {
                // With a terminal, what is typed is; a signal means this command.
                if service.tty || !args.sig_proxy {
                    return Ok(ExitCode::from(u8::try_from(128 + signal.as_raw()).unwrap_or(1)));
                }
                handle.signal(signal)?;
            }
            _ = resized.recv(), if service.tty => resize(&attachment)?,
        }
    };
    drop(raw);
    let code = match code {
        Some(code) => code,
        // A shim that was killed says nothing, nor can one say it to a client that is too slow.
        None => ExitStatus::read(&directory)?.map_or(137, |exit| exit.code),
    };
    Ok(ExitCode::from(u8::try_from(code & 0xff).unwrap_or(1)))
}

/// Writes what the container says, until it has ended; the code comes then, when it is told.
fn show(attachment: Arc<Attachment>) -> oneshot::Receiver<Option<i32>> {
    let (told, ended) = oneshot::channel();
    std::thread::spawn(move || {
        let mut buffer = Vec::new();
        let code = loop {
            let written = match attachment.receive(&mut buffer) {
                Ok(Said::Output(Stream::Stdout, bytes)) => write(&mut io::stdout(), bytes),
                Ok(Said::Output(Stream::Stderr, bytes)) => write(&mut io::stderr(), bytes),
                Ok(Said::Missed(count)) => {
                    let note = format!("\r\nrcompose: {count} bytes came too fast; the log has them\r\n");
                    write(&mut io::stderr(), note.as_bytes())
                }
                Ok(Said::Exited(code)) => break Some(code),
                Ok(Said::Gone) | Err(_) => break None,
            };
            if written.is_err() {
                // Nobody reads it any more; the code is still wanted.
                while !matches!(attachment.receive(&mut buffer), Ok(Said::Exited(_) | Said::Gone) | Err(_)) {}
                break None;
            }
        };
        let _ = told.send(code);
    });
    ended
}

fn write(to: &mut impl io::Write, bytes: &[u8]) -> io::Result<()> {
    to.write_all(bytes)?;
    to.flush()
}

/// Sends what is typed, until the keys are pressed that leave.
fn type_into(attachment: Arc<Attachment>, mut keys: Watcher) -> Option<oneshot::Receiver<()>> {
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
async fn pressed(left: &mut Option<oneshot::Receiver<()>>) {
    if let Some(receiver) = left
        && receiver.await.is_ok()
    {
        return;
    }
    *left = None;
    std::future::pending().await
}

fn resize(attachment: &Attachment) -> io::Result<()> {
    match terminal::size(rustix::stdio::stdin()).or_else(|| terminal::size(rustix::stdio::stdout())) {
        Some(size) => attachment.resize(size.rows, size.columns),
        None => Ok(()),
    }
}

/// Has a program that uses the whole screen draw it: it is told of a change of size, which it need not have seen.
fn redraw(attachment: &Attachment) -> io::Result<()> {
    if let Some(size) = terminal::size(rustix::stdio::stdin()).or_else(|| terminal::size(rustix::stdio::stdout())) {
        attachment.resize(size.rows + 1, size.columns)?;
        attachment.resize(size.rows, size.columns)?;
    }
    Ok(())
}
