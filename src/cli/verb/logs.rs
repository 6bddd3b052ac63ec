//! `rcompose logs`: from the logs on disk, in order of time over all services.

use std::io::{self, BufWriter, Stderr, Stdout};
use std::process::ExitCode;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::cli::args::{LogsArgs, LogsFormat};
use crate::cli::attached::keeps_nothing;
use crate::cli::attached::label;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::logs::{LogFormat, LogWriter, SourceId, Tail, Window, merged};
use crate::cli::output;
use crate::cli::select::{check_known, services};
use crate::cli::style::Paint;
use crate::cli::tailer::{Lines, Tailer};
use crate::name::{ContainerId, ProjectName};
use crate::runtime::Handle;
use crate::runtime::log::Follower;
use crate::state::{ContainerRecord, ProjectLayout};
use crate::supervisor::{Client, Event, Happening, Outline, settled_name};

type Record = ContainerRecord<Outline>;

/// How much is written at once, in bytes: as much as a pipe holds.
const BUFFER: usize = 64 * 1024;

/// How long a container that has ended may take to be started again, or to be replaced, where a supervisor may be at it.
const RETURN: Duration = Duration::from_secs(2);

pub(in crate::cli) async fn run(context: &Context, args: LogsArgs) -> Result<ExitCode, CliError> {
    context.require_root()?;
    let project = context.resolve_name()?;
    let paths = context.layout.project(&project);
    // Before anything is looked at: a container that comes in between must be told.
    let listener = match args.follow {
        true => Client::listen(&context.layout, &project, Timestamp::now()).await?,
        false => None,
    };
    let records = paths.read_containers::<Outline>()?;
    check_known(context, &args.services, &services(&records))?;
    let window = Window::new(args.since, args.until, Timestamp::now());
    let stdout = io::stdout();
    let paint = if args.no_color { Paint::PLAIN } else { context.globals.ansi.unwrap_or_default().paint(&stdout) };
    let format = LogFormat {
        prefix: !args.no_log_prefix,
        timestamps: args.timestamps,
        paint,
        json: args.format == LogsFormat::Json,
        joined: true,
    };
    let writer = LogWriter::new(BufWriter::with_capacity(BUFFER, stdout), BufWriter::new(io::stderr()), format);
    let mut logs = Logs { project, paths, args, window, writer, tailer: Tailer::default(), running: JoinSet::new() };

    let mut opened = Vec::new();
    for record in &records {
        if !logs.shows(record) {
            continue;
        }
        if keeps_nothing(&record.config.service) {
            let message = format!("{} keeps no log: its logging driver is `none`", record.name);
            output::warn(output::paint(&context.globals), &message);
        }
        opened.extend(logs.open(record)?);
    }
    logs.show(&mut opened)?;
    for (lines, follower) in opened {
        if let Some(follower) = follower {
            logs.tailer.follow(lines, follower, window.since)?;
        }
    }
    if logs.args.follow {
        logs.follow(listener).await?;
    }
    Ok(ExitCode::SUCCESS)
}

struct Logs {
    project: ProjectName,
    paths: ProjectLayout,
    args: LogsArgs,
    window: Window,
    writer: LogWriter<BufWriter<Stdout>, BufWriter<Stderr>>,
    tailer: Tailer,
    /// One task for each container that runs: it ends with that.
    running: JoinSet<()>,
}

/// A log with whoever watches it grow.
type Opened = (Lines, Option<Follower>);

impl Logs {
    fn shows(&self, record: &Record) -> bool {
        (self.args.services.is_empty() || self.args.services.contains(&record.service))
            && self.args.index.is_none_or(|index| index == record.number)
    }

    fn source(&mut self, record: &Record) -> SourceId {
        let name = settled_name(&record.id, record.name.as_str());
        let source = self.writer.add(label(&self.project, name));
        self.writer.name(source, name, record.service.as_str());
        source
    }

    /// Opens the log of a container, if there is one.
    fn open(&mut self, record: &Record) -> Result<Option<Opened>, CliError> {
        let log = self.paths.container(&record.id).log();
        if !log.exists() {
            return Ok(None);
        }
        let source = self.source(record);
        // Before anything is read: what is written in between must be told.
        let follower = self.args.follow.then(|| Follower::open(&log)).transpose()?;
        // What is left out before a point in time is left out of the last lines as well: only an end has to be looked for.
        let lines = match self.args.tail {
            Tail::Last(count) if self.args.until.is_none() => Lines::tail(&log, source, count)?,
            _ => Lines::open(&log, source)?,
        };
        if self.args.follow {
            self.await_end(&record.id)?;
        }
        Ok(Some((lines, follower)))
    }

    /// Counts a container as running until it ends; one that is about to be restarted goes on in the same log.
    fn await_end(&mut self, id: &ContainerId) -> Result<(), CliError> {
        let container = self.paths.container(id);
        if let Some(handle) = Handle::adopt(container.run())? {
            self.running.spawn_local(async move {
                let _ = handle.ended().await;
                if container.read_state().is_ok_and(|state| state.restarting) {
                    std::future::pending::<()>().await;
                }
            });
        }
        Ok(())
    }

    /// Writes what is there, in order of time.
    fn show(&mut self, opened: &mut [Opened]) -> Result<(), CliError> {
        let (window, tail) = (self.window, self.args.tail);
        let mut kept = Vec::new();
        for (lines, _) in opened {
            let in_window = lines.filter(|line| line.as_ref().map_or(true, |line| window.contains(line.time)));
            kept.push(tail.of(in_window));
        }
        for line in merged(kept, |line| line.as_ref().ok().map(|line| line.time)) {
            self.writer.line(&line?)?;
        }
        Ok(self.writer.flush()?)
    }

    /// Writes what comes, of containers that come too, until none runs and none comes back.
    async fn follow(&mut self, mut listener: Option<Client>) -> Result<(), CliError> {
        let mut alone_since = None;
        loop {
            if self.running.is_empty() {
                if listener.is_none() {
                    break;
                }
                alone_since.get_or_insert_with(Instant::now);
            } else {
                alone_since = None;
            }
            let give_up = alone_since.map_or_else(|| Instant::now() + Duration::from_hours(24), |since| since + RETURN);
            let lines = tokio::select! {
                lines = self.tailer.next() => lines?,
                Some(_) = self.running.join_next() => self.tailer.some()?,
                happening = next(&mut listener) => {
                    if let Some(happening) = happening {
                        self.happened(&happening)?;
                    }
                    self.tailer.some()?
                }
                () = tokio::time::sleep_until(give_up), if alone_since.is_some() => break,
            };
            self.write(&lines)?;
        }
        let lines = self.tailer.drain()?;
        self.write(&lines)
    }

    fn write(&mut self, lines: &[crate::cli::logs::Line]) -> Result<(), CliError> {
        // What is too old has been left out by whoever follows: a clock that is set back makes nothing old.
        for line in lines.iter().filter(|line| line.time < self.window.until) {
            self.writer.line(line)?;
        }
        Ok(self.writer.flush()?)
    }

    /// A container was started: for the first time, as one that is followed already, or in place of another one.
    fn happened(&mut self, happening: &Happening) -> Result<(), CliError> {
        if happening.action != "start" {
            return Ok(());
        }
        let records = self.paths.read_containers::<Outline>()?;
        let Some(record) = records.iter().find(|record| record.id == happening.container) else { return Ok(()) };
        if !self.shows(record) {
            return Ok(());
        }
        let log = self.paths.container(&record.id).log();
        if !self.tailer.has(&log) && log.exists() {
            let source = self.source(record);
            self.tailer.add(&log, source, self.window.since)?;
        }
        self.await_end(&record.id)
    }
}

/// What happens next; `None` when nobody tells any more, and nothing ever without a listener.
async fn next(listener: &mut Option<Client>) -> Option<Happening> {
    let Some(client) = listener else { return std::future::pending().await };
    loop {
        match client.next().await {
            Ok(Some(Event::Happened(happening))) => return Some(happening),
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => {
                *listener = None;
                return None;
            }
        }
    }
}
