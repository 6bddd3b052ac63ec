//! An attached `up`: shows what containers write until all have ended or the user presses Ctrl-C.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::pin::Pin;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Instant;

use jiff::Timestamp;
use serde::de::IgnoredAny;
use tokio::signal::unix::{SignalKind, signal};

use super::args::UpArgs;
use super::context::Context;
use super::error::CliError;
use super::follow::complete;
use super::footer;
use super::interrupt::{ABORTING_ON_EXIT, Interrupt, Interrupts};
use super::logs::{Line, LogFormat, LogWriter, SourceId, Stream};
use super::menu::{self, Choice, Menu};
use super::outcome::Outcome;
use super::output;
use super::tailer::Tailer;
use super::timings::Report;
use super::watch::{Rules, Watch};
use crate::compose::model::{Project, Service};
use crate::name::{ContainerId, ProjectName};
use crate::plan::Action;
use crate::runtime::{Handle, Signal};
use crate::supervisor::{Client, ClientError, ContainerChange, ContainerEvent, Event, Failure, Request, settled_name};

type Writer = LogWriter<io::BufWriter<io::Stdout>, io::BufWriter<io::Stderr>>;

/// Follows `client`'s request, and then the containers.
///
/// # Errors
/// [`CliError::Failed`] when containers could not be started; those that run are left running, as docker compose does.
pub(super) async fn run(
    context: &Context,
    mut client: Client,
    project: &Project,
    args: &UpArgs,
    watched: Option<Rules>,
    mut report: Option<Report>,
) -> Result<ExitCode, CliError> {
    let mut session = Session::new(context, project, args);
    let mut watching = watched.map(|rules| session.watch(rules));
    let mut menu: Option<Menu> = None;
    let mut progress = Some(output::progress(&context.globals, "up"));
    let mut interrupts = Interrupts::default();
    let mut ctrl_c = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut failures: Vec<Failure> = Vec::new();
    let mut stopping: Option<Stopping> = None;
    let mut stopped: Option<Result<(), CliError>> = None;
    let mut finished = false;
    loop {
        let interrupted = tokio::select! {
            // In this order: that a container has ended is heard before watching has started it again, and what is seldom is not
            // kept waiting by containers that write without end.
            biased;
            event = client.next() => {
                match event? {
                    Some(Event::Progress { resource, status }) => {
                        if let Some(progress) = &mut progress {
                            progress.event(output::event(&resource, status), Instant::now())?;
                        }
                    }
                    Some(Event::Waiting(holder)) => {
                        if let Some(progress) = &mut progress {
                            progress.event(output::turn(&project.name, holder), Instant::now())?;
                        }
                    }
                    Some(Event::Warning(message)) => output::warn(output::paint(&context.globals), &message),
                    Some(Event::Hook { container, line }) => session.hook(container.as_str(), line)?,
                    // Its log is shown.
                    Some(Event::Died(_)) => {}
                    // What another terminal runs is shown there, and its end is not that of the stack.
                    Some(Event::Container(event)) if event.is_one_off => {}
                    Some(Event::Container(event)) => session.container(event)?,
                    Some(Event::Done) => {
                        finished = true;
                        if let Some(progress) = progress.take() {
                            progress.finish(Instant::now())?;
                        }
                        if let Some(report) = report.take() {
                            report.tell(&context.globals, &project.name)?;
                        }
                        session.attach_running()?;
                        if args.menu == Some(true) && menu::has_keyboard() {
                            menu = Some(Menu::new(watching.is_some())?);
                        }
                    }
                    Some(Event::Failed(reported)) => {
                        if let Some(progress) = progress.take() {
                            progress.finish(Instant::now())?;
                        }
                        if let Some(report) = report.take() {
                            report.tell(&context.globals, &project.name)?;
                        }
                        failures = reported;
                        finished = true;
                    }
                    Some(Event::Timed(steps)) => {
                        if let Some(report) = &mut report {
                            report.steps = steps;
                        }
                    }
                    // Told to those who have asked for it.
                    Some(Event::Happened(_) | Event::Held(_)) => {}
                    // It ends no connection on which it is listened to.
                    None => return Err(ClientError::Lost { project: project.name.clone() }.into()),
                }
                false
            }
            _ = ctrl_c.recv() => true,
            _ = terminate.recv() => true,
            result = joined(&mut stopping), if stopped.is_none() => {
                stopped = Some(result);
                false
            }
            result = watched_on(&mut watching), if finished => {
                watching = None;
                if let Some(menu) = &mut menu {
                    menu.watches(false);
                }
                if let Err(error) = result {
                    // What runs goes on.
                    output::said(&error.render(output::paint(&context.globals)));
                }
                false
            }
            choice = chosen(&mut menu) => {
                match choice {
                    Choice::Detach => {
                        session.drain()?;
                        output::note("the containers run on: `logs -f` shows what they write, `down` ends them");
                        return Ok(ExitCode::SUCCESS);
                    }
                    Choice::Watch if watching.take().is_some() => {
                        session.restarting.set(false);
                        output::note("files are watched no longer");
                    }
                    Choice::Watch => match Rules::of(context, project, &args.services) {
                        Ok(rules) => watching = Some(session.watch(rules)),
                        Err(error) => output::said(&error.render(output::paint(&context.globals))),
                    },
                }
                if let Some(menu) = &mut menu {
                    menu.watches(watching.is_some());
                }
                false
            }
            lines = session.tailer.next() => {
                session.write(lines?)?;
                false
            }
        };
        if !failures.is_empty() && stopping.is_none() {
            session.drain()?;
            return Err(CliError::Failed { failures });
        }
        if interrupted || session.outcome.is_over() {
            menu = None;
        }
        if interrupted {
            let interrupt = interrupts.record();
            let _ = writeln!(io::stderr(), "{}", interrupt.message());
            stopped = None;
            if let Some(previous) = stopping.replace(session.stop(interrupt)) {
                // The kill takes over from it, and says what becomes of each container.
                previous.abort();
            }
        } else if session.outcome.is_over() && stopping.is_none() {
            let _ = writeln!(io::stderr(), "{ABORTING_ON_EXIT}");
            stopping = Some(session.stop(Interrupt::Stop));
        }
        if stopping.is_some() && watching.take().is_some() {
            // Dropped, it gives up a restart that it has asked for; what ends from now on has ended.
            session.restarting.set(false);
        }
        // The end of what is being stopped is heard too: with its code `up` may end.
        if (finished && session.running.is_empty()) || matches!(stopped, Some(Err(_))) {
            break;
        }
    }
    if stopped.is_none() && stopping.is_some() {
        stopped = Some(joined(&mut stopping).await);
    }
    // The last words of what was stopped are shown too.
    session.drain()?;
    stopped.unwrap_or(Ok(()))?;
    match session.outcome.code() {
        Some(code) => Ok(ExitCode::from(u8::try_from(code & 0xff).unwrap_or(1))),
        None if interrupts.any() => Err(CliError::Interrupted),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// A request to stop everything, under way.
type Stopping = tokio::task::JoinHandle<Result<(), CliError>>;

/// Watching files, under way.
type Watching<'w> = Pin<Box<dyn Future<Output = Result<(), CliError>> + 'w>>;

/// The end of watching; never when there is none.
async fn watched_on(watching: &mut Option<Watching<'_>>) -> Result<(), CliError> {
    match watching {
        Some(watching) => watching.await,
        None => std::future::pending().await,
    }
}

/// What is chosen from the menu; nothing ever where there is none.
async fn chosen(menu: &mut Option<Menu>) -> Choice {
    match menu {
        Some(menu) => menu.choice().await,
        None => std::future::pending().await,
    }
}

/// The end of `stopping`, which is not asked for again; never when there is none.
async fn joined(stopping: &mut Option<Stopping>) -> Result<(), CliError> {
    match stopping {
        // Aborted only in favour of the next, which takes its place.
        Some(stopping) => stopping.await.unwrap_or(Ok(())),
        None => std::future::pending().await,
    }
}

/// What an attached `up` keeps track of.
struct Session<'a> {
    context: &'a Context,
    project: &'a Project,
    args: &'a UpArgs,
    began: Timestamp,
    tailer: Tailer,
    writer: Writer,
    /// The containers that run, with their sources where they are shown.
    running: BTreeMap<ContainerId, Option<SourceId>>,
    /// Whether a container's exit ends everything, and with which code.
    outcome: Outcome,
    /// Set while a change of files has containers restarted.
    restarting: Rc<Cell<bool>>,
}

impl<'a> Session<'a> {
    fn new(context: &'a Context, project: &'a Project, args: &'a UpArgs) -> Self {
        let ansi = context.globals.ansi.unwrap_or_default();
        let stdout = io::stdout();
        let paint = if args.no_color { super::style::Paint::PLAIN } else { ansi.paint(&stdout) };
        let format =
            LogFormat { prefix: !args.no_log_prefix, timestamps: args.timestamps, paint, json: false, joined: false };
        let mut writer = LogWriter::new(io::BufWriter::new(stdout), io::BufWriter::new(io::stderr()), format);
        // All prefixes are as wide as the longest from the first line on.
        for (name, service) in &project.services {
            if args.shows(name, service.attach()) {
                for number in 1..=service.replicas() {
                    let name = crate::plan::container_name(project, name, service, number);
                    writer.add(label(&project.name, name.as_str()));
                }
            }
        }
        // Who reads no longer is noticed with the first line.
        let _ = writer.attaching();
        let began = Timestamp::now();
        Self {
            context,
            project,
            args,
            began,
            tailer: Tailer::default(),
            writer,
            running: BTreeMap::new(),
            outcome: Outcome::new(args.ending()),
            restarting: Rc::default(),
        }
    }

    /// Begins to watch files.
    fn watch(&self, rules: Rules) -> Watching<'a> {
        let watch = Watch::new(self.context, self.project, rules, Rc::clone(&self.restarting));
        Box::pin(async move { watch.run().await })
    }

    fn container(&mut self, event: ContainerEvent) -> Result<(), CliError> {
        match event.change {
            ContainerChange::Started { log } => {
                if !self.running.contains_key(&event.id) {
                    let name = settled_name(&event.id, event.name.as_str());
                    let source = self.attach(name, event.service.as_str(), &log, self.began)?;
                    self.running.insert(event.id, source);
                }
            }
            ContainerChange::Exited { code, oom, restarting } => {
                let restarting = restarting || self.restarting.get();
                // Its last lines come before the word that it ended.
                self.drain()?;
                if let Some(Some(source)) = self.running.get(&event.id) {
                    footer::hide();
                    self.writer.exited(*source, code, oom, restarting)?;
                    self.writer.flush()?;
                }
                // One that had ended before is told of again to a client that was too slow for the events.
                if !restarting && self.running.remove(&event.id).is_some() {
                    self.outcome.exited(&event.service, code);
                }
            }
        }
        Ok(())
    }

    /// Follows the containers that ran before this `up`, from now on.
    fn attach_running(&mut self) -> Result<(), CliError> {
        let paths = self.context.layout.project(&self.project.name);
        for record in paths.read_containers::<IgnoredAny>()? {
            let container = paths.container(&record.id);
            if record.one_off.is_some()
                || self.running.contains_key(&record.id)
                || Handle::adopt(container.run())?.is_none()
            {
                continue;
            }
            let name = settled_name(&record.id, record.name.as_str());
            let source = self.attach(name, record.service.as_str(), &container.log(), self.began)?;
            self.running.insert(record.id, source);
        }
        Ok(())
    }

    fn attach(
        &mut self,
        name: &str,
        service: &str,
        log: &std::path::Path,
        since: Timestamp,
    ) -> Result<Option<SourceId>, CliError> {
        let Some((name_of, config)) = self.project.services.get_key_value(service) else { return Ok(None) };
        if !self.args.shows(name_of, config.attach()) {
            return Ok(None);
        }
        let source = self.writer.add(label(&self.project.name, name));
        self.tailer.add(log, source, since)?;
        Ok(Some(source))
    }

    /// Writes a line of a hook.
    fn hook(&mut self, container: &str, line: String) -> Result<(), CliError> {
        let source = self.writer.add(&format!("{} ->", label(&self.project.name, container)));
        let (time, stream) = (Timestamp::now(), Stream::Stdout);
        self.write(vec![Line { time, source, stream, text: line.into_bytes() }])
    }

    fn write(&mut self, lines: Vec<super::logs::Line>) -> Result<(), CliError> {
        footer::hide();
        for line in &lines {
            self.writer.line(line)?;
        }
        Ok(self.writer.flush()?)
    }

    /// Writes what is there now.
    fn drain(&mut self) -> Result<(), CliError> {
        let lines = self.tailer.drain()?;
        self.write(lines)
    }

    /// Asks for everything to be stopped, in a task of its own: lines go on being shown meanwhile.
    fn stop(&self, interrupt: Interrupt) -> Stopping {
        let action = match interrupt {
            Interrupt::Stop => Action::Stop { timeout: self.args.timeout },
            Interrupt::Kill => Action::Kill { signal: Signal::KILL.as_raw(), orphans: true },
        };
        let request = Request::Act {
            project: None,
            services: Vec::new(),
            action,
            at_once: self.context.globals.at_once(),
            timed: false,
        };
        let (layout, name) = (self.context.layout.clone(), self.project.name.clone());
        let (progress, paint) = (output::progress(&self.context.globals, "stop"), output::paint(&self.context.globals));
        tokio::task::spawn_local(async move {
            let client = Client::request(&layout, &name, &request).await?;
            complete(client, progress, paint).await
        })
    }
}

/// Whether the output of a container goes nowhere.
pub(super) fn keeps_nothing(service: &Service) -> bool {
    service.logging.as_ref().is_some_and(|logging| logging.driver.as_deref() == Some("none"))
}

/// What a container is called in the log: its name without the project.
pub(super) fn label<'n>(project: &ProjectName, name: &'n str) -> &'n str {
    name.strip_prefix(project.as_str()).and_then(|rest| rest.strip_prefix(['-', '_'])).unwrap_or(name)
}
