//! `rcompose exec`: enters the container directly; no supervisor is needed.

use std::io::{self, IsTerminal as _};
use std::os::fd::AsFd as _;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

use crate::cli::args::ExecArgs;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::relay;
use crate::cli::terminal::{self, RawMode};
use crate::runtime::{ExecOptions, Handle, Signal, Stdio, exec};
use crate::state::ProjectLayout;
use crate::supervisor::{Configuration, Record};

pub(in crate::cli) async fn run(context: &Context, args: ExecArgs) -> Result<ExitCode, CliError> {
    context.require_root()?;
    let project = context.resolve_name()?;
    let paths = context.layout.project(&project);
    let records = paths.read_containers::<Configuration>()?;
    let record = find(&paths, records, &args)?;
    let directory = paths.container(&record.id).run().to_owned();
    if Handle::adopt(&directory)?.is_none() {
        return Err(CliError::NotRunning { service: args.service });
    }
    let has_terminal = !args.no_tty && !args.detach && io::stdin().is_terminal() && io::stdout().is_terminal();
    let options = options(context, &record, &args, has_terminal);
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
    let mut ctrl_c = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut resized = signal(SignalKind::window_change())?;
    let code = {
        let wait = child.wait();
        tokio::pin!(wait);
        loop {
            tokio::select! {
                code = &mut wait => break code?,
                // With a terminal these come as characters; without one the command is told.
                _ = ctrl_c.recv() => child.signal(Signal::INT)?,
                _ = terminate.recv() => child.signal(Signal::TERM)?,
                _ = resized.recv() => {
                    if let (Some(relay), Some(size)) = (&relayed, terminal::size(rustix::stdio::stdin())) {
                        relay.resize(size)?;
                    }
                }
            }
        }
    };
    if let Some(relay) = relayed {
        relay.finish();
    }
    drop(raw);
    Ok(ExitCode::from(u8::try_from(code & 0xff).unwrap_or(1)))
}

/// The container: that of `--index`, else of those that run the one with the lowest number.
fn find(paths: &ProjectLayout, records: Vec<Record>, args: &ExecArgs) -> Result<Record, CliError> {
    let mut of_service: Vec<_> = records.into_iter().filter(|record| record.service == args.service).collect();
    of_service.sort_by_key(|record| record.number);
    if let Some(index) = args.index.filter(|_| !of_service.is_empty()) {
        let found = of_service.into_iter().find(|record| record.number == index);
        return found.ok_or_else(|| CliError::NoSuchContainer { service: args.service.clone(), index });
    }
    for record in of_service {
        if Handle::adopt(paths.container(&record.id).run())?.is_some() {
            return Ok(record);
        }
    }
    Err(CliError::NotRunning { service: args.service.clone() })
}

/// The command as a process of the container: its user, environment and rights unless told otherwise.
fn options(context: &Context, record: &Record, args: &ExecArgs, has_terminal: bool) -> ExecOptions {
    let lowered = &record.config.lowered;
    let mut process = lowered.spec.process().clone().unwrap_or_default();
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
    ExecOptions { process, user: args.user.clone().or_else(|| lowered.user.clone()), detach: args.detach }
}
