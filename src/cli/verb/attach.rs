//! `rcompose attach`: joins a container's input and output at its shim; no supervisor is needed.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use serde::de::IgnoredAny;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::args::AttachArgs;
use crate::cli::context::Context;
use crate::cli::detach_keys::Watcher;
use crate::cli::error::CliError;
use crate::cli::join::{Shown, pressed, redraw, resize, show, type_into};
use crate::cli::select::{check_known, running_container, services};
use crate::cli::signals::Proxied;
use crate::cli::terminal::RawMode;
use crate::runtime::{Attachment, ExitStatus, Handle};

pub(in crate::cli) async fn run(context: &Context, args: AttachArgs) -> Result<ExitCode, CliError> {
    context.require_root()?;
    let paths = context.layout.project(&context.resolve_name()?);
    let records = paths.read_containers::<IgnoredAny>()?;
    check_known(context, std::slice::from_ref(&args.service), &services(&records))?;
    let record = running_container(&paths, records, &args.service, args.index)?;
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
            shown = &mut ended => match shown {
                Ok(Shown::All(code)) => break code,
                // The container goes on for others.
                Ok(Shown::Refused(source)) => return Err(CliError::Output { source }),
                Err(_) => break None,
            },
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
