//! `rcompose exec`: enters the container directly; no supervisor is needed.

use std::io::{self, IsTerminal as _, Write as _};
use std::os::fd::AsFd as _;
use std::process::ExitCode;

use oci_spec::runtime::{BoxBuilder as ConsoleSizeBuilder, Process};
use serde::de::IgnoredAny;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::args::ExecArgs;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::relay::{self, Relay};
use crate::cli::select::{check_known, running_container, services};
use crate::cli::signals::Proxied;
use crate::cli::terminal::{self, RawMode};
use crate::runtime::defaults::every_capability;
use crate::runtime::{ExecOptions, Handle, Signal, Stdio, exec, first_process};
use crate::supervisor::Record;

pub(in crate::cli) async fn run(context: &Context, args: ExecArgs) -> Result<ExitCode, CliError> {
    context.require_root()?;
    let project = context.resolve_name()?;
    let paths = context.layout.project(&project);
    let records = paths.read_containers::<IgnoredAny>()?;
    check_known(context, std::slice::from_ref(&args.service), &services(&records))?;
    let record = running_container(&paths, records, &args.service, args.index)?;
    let directory = paths.container(&record.id).run().to_owned();
    if Handle::adopt(&directory)?.is_none() {
        return Err(CliError::NotRunning { service: args.service });
    }
    let has_terminal = !args.no_tty && !args.detach && io::stdin().is_terminal() && io::stdout().is_terminal();
    let process = first_process(&directory)?.unwrap_or_default();
    let options = options(context, &record, process, &args, has_terminal);
    let null = fs_err::OpenOptions::new().read(true).write(true).open("/dev/null")?;
    let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
    let stdio = if args.detach {
        Stdio { stdin: null.as_fd(), stdout: null.as_fd(), stderr: null.as_fd() }
    } else {
        Stdio { stdin: stdin.as_fd(), stdout: stdout.as_fd(), stderr: stderr.as_fd() }
    };
    let mut child = exec(&directory, &options, stdio).await?;
    if args.detach {
        return Ok(ExitCode::SUCCESS);
    }
    let mut relayed = None;
    // Restored when dropped, on every way out.
    let mut raw = None;
    if let Some(master) = child.take_terminal() {
        raw = Some(RawMode::enter(rustix::stdio::stdin())?);
        relayed = Some(relay::start(master)?);
    }
    let mut proxied = Proxied::new()?;
    let mut resized = signal(SignalKind::window_change())?;
    let end = {
        let wait = child.wait();
        tokio::pin!(wait);
        loop {
            tokio::select! {
                code = &mut wait => break End::Code(code?),
                () = left(&mut relayed) => break End::Left,
                // With a terminal these come as characters; without one the command is told.
                signal = proxied.next() => {
                    if signal == Signal::HUP && relayed.is_some() {
                        break End::HungUp;
                    }
                    child.signal(signal)?;
                }
                _ = resized.recv() => {
                    if let (Some(relay), Some(size)) = (&relayed, terminal::size(rustix::stdio::stdin())) {
                        relay.resize(size)?;
                    }
                }
            }
        }
    };
    let code = match end {
        End::Code(code) => code,
        End::Left => {
            child.detach()?;
            drop(raw);
            // As docker has it.
            let _ = writeln!(io::stderr(), "read escape sequence");
            return Ok(ExitCode::SUCCESS);
        }
        // The terminal of the command goes with this process, of which the kernel tells it.
        End::HungUp => return Ok(ExitCode::from(129)),
    };
    if let Some(relay) = relayed {
        relay.finish();
    }
    drop(raw);
    Ok(ExitCode::from(u8::try_from(code & 0xff).unwrap_or(1)))
}

/// Why a command is not waited for any more.
enum End {
    /// It has ended.
    Code(i32),
    /// The keys that leave were pressed.
    Left,
    /// Our terminal is gone.
    HungUp,
}

/// When the keys that leave have been pressed; never without a terminal.
async fn left(relay: &mut Option<Relay>) {
    match relay {
        Some(relay) => relay.left().await,
        None => std::future::pending().await,
    }
}

/// The command as a process of the container: its user, environment and rights unless told otherwise.
fn options(
    context: &Context,
    record: &Record,
    mut process: Process,
    args: &ExecArgs,
    has_terminal: bool,
) -> ExecOptions {
    let lowered = &record.config.lowered;
    let text = |text: &std::ffi::OsString| text.to_string_lossy().into_owned();
    process.set_args(Some(args.command.iter().map(text).collect()));
    let mut environment = process.env().clone().unwrap_or_default();
    if has_terminal {
        environment.push(format!("TERM={}", context.environment.get("TERM").map_or("xterm", String::as_str)));
    }
    for variable in &args.env {
        let value = variable.value.as_ref().or_else(|| context.environment.get(&variable.name));
        if let Some(value) = value {
            let prefix = format!("{}=", variable.name);
            environment.retain(|known| !known.starts_with(&prefix));
            environment.push(format!("{prefix}{value}"));
        }
    }
    process.set_env(Some(environment));
    if let Some(directory) = &args.workdir {
        process.set_cwd(directory.into());
    }
    process.set_terminal(Some(has_terminal));
    if let Some(size) = terminal::size(rustix::stdio::stdin()).filter(|_| has_terminal) {
        let size = ConsoleSizeBuilder::default().height(size.rows).width(size.columns).build();
        process.set_console_size(size.ok());
    }
    if args.privileged {
        process.set_capabilities(Some(every_capability()));
    }
    ExecOptions {
        process,
        user: args.user.clone().or_else(|| lowered.user.clone()),
        detach: args.detach,
        privileged: args.privileged,
        ..ExecOptions::default()
    }
}
