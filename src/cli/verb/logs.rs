//! `rcompose logs`: from the logs on disk, in order of time over all services.

use std::io;
use std::process::ExitCode;

use jiff::Timestamp;
use tokio::task::JoinSet;

use crate::cli::args::LogsArgs;
use crate::cli::attached::keeps_nothing;
use crate::cli::attached::label;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::logs::{LogFormat, LogWriter, Tail, Window, merged};
use crate::cli::output;
use crate::cli::select::{check_known, services};
use crate::cli::style::Paint;
use crate::cli::tailer::{Lines, Tailer};
use crate::runtime::Handle;
use crate::runtime::log::Follower;
use crate::supervisor::Configuration;

pub(in crate::cli) async fn run(context: &Context, args: LogsArgs) -> Result<ExitCode, CliError> {
    context.require_root()?;
    let project = context.resolve_name()?;
    let paths = context.layout.project(&project);
    let records = paths.read_containers::<Configuration>()?;
    check_known(context, &args.services, &services(&records))?;
    let window = Window::new(args.since, args.until, Timestamp::now());
    let stdout = io::stdout();
    let paint = if args.no_color { Paint::PLAIN } else { context.globals.ansi.unwrap_or_default().paint(&stdout) };
    let format = LogFormat { prefix: !args.no_log_prefix, timestamps: args.timestamps, paint };
    let mut writer = LogWriter::new(io::BufWriter::new(stdout), io::BufWriter::new(io::stderr()), format);

    let mut logs = Vec::new();
    let mut running = JoinSet::new();
    for record in records {
        if !args.services.is_empty() && !args.services.contains(&record.service) {
            continue;
        }
        let container = paths.container(&record.id);
        if keeps_nothing(&record) {
            let message = format!("{} keeps no log: its logging driver is `none`", record.name);
            output::warn(output::paint(&context.globals), &message);
        }
        if !container.log().exists() {
            continue;
        }
        let source = writer.add(label(&project, record.name.as_str()));
        // Before anything is read: what is written in between must be told.
        let follower = args.follow.then(|| Follower::open(&container.log())).transpose()?;
        // What is left out before a point in time is left out of the last lines as well: only an end has to be looked for.
        let lines = match args.tail {
            Tail::Last(count) if args.until.is_none() => Lines::tail(&container.log(), source, count)?,
            _ => Lines::open(&container.log(), source)?,
        };
        logs.push((lines, follower));
        if let Some(handle) = Handle::adopt(container.run())?.filter(|_| args.follow) {
            running.spawn_local(async move {
                let _ = handle.ended().await;
                // One that is about to be restarted goes on in the same log.
                if container.read_state().is_ok_and(|state| state.restarting) {
                    std::future::pending::<()>().await;
                }
            });
        }
    }

    let mut kept = Vec::new();
    for (lines, _) in &mut logs {
        let in_window = lines.filter(|line| line.as_ref().map_or(true, |line| window.contains(line.time)));
        kept.push(args.tail.of(in_window));
    }
    for line in merged(kept, |line| line.as_ref().ok().map(|line| line.time)) {
        writer.line(&line?)?;
    }
    writer.flush()?;

    let mut tailer = Tailer::default();
    for (lines, follower) in logs {
        if let Some(follower) = follower {
            tailer.follow(lines, follower, window.since)?;
        }
    }
    while !running.is_empty() {
        let (lines, is_over) = tokio::select! {
            lines = tailer.next() => (lines?, false),
            ended = running.join_next() => (tailer.drain()?, ended.is_none()),
        };
        for line in lines.iter().filter(|line| window.contains(line.time)) {
            writer.line(line)?;
        }
        writer.flush()?;
        if is_over {
            break;
        }
    }
    Ok(ExitCode::SUCCESS)
}
