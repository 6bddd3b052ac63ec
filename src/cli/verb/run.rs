//! `rcompose run`: one command in a container of its own.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use super::up::{Bringing, Timing};
use crate::cli::args::{RunArgs, UpPull};
use crate::cli::context::Context;
use crate::cli::detach_keys::{DetachKeys, Watcher};
use crate::cli::error::CliError;
use crate::cli::interrupt::interruptible;
use crate::cli::join::{Shown, pressed, resize, show, type_into};
use crate::cli::one_off;
use crate::cli::output::{self, StderrProgress};
use crate::cli::progress::ProgressMode;
use crate::cli::signals::Proxied;
use crate::cli::terminal::{self, RawMode};
use crate::compose::model::Project;
use crate::plan::{Building, UpOptions};
use crate::runtime::{Attachment, ExitStatus, Handle, Signal};
use crate::state::ContainerLayout;
use crate::supervisor::{
    Client, ClientError, ConsoleSize, ContainerChange, Event, Failure, OneOff, Request, Resource, Status,
};

pub(in crate::cli) async fn run(context: &mut Context, args: RunArgs) -> Result<ExitCode, CliError> {
    context.require_root()?;
    if args.quiet {
        context.globals.progress = Some(ProgressMode::Quiet);
    }
    let (mut project, switches) = context.load_to_run(std::slice::from_ref(&args.service), args.no_deps)?;
    one_off::check(&project, &args.service)?;
    one_off::prepare(context, &mut project, &args)?;
    let one_off = container(&mut project, &args);
    let bringing = Bringing {
        title: "run",
        quiet_pull: args.quiet_pull,
        quiet_build: args.quiet_build,
        ignore_orphans: args.ignore_orphans,
        // `docker compose run` has no such flag: a terminal is asked, a script is refused.
        yes: false,
        switches,
        timing: Timing::none(),
    };
    let Some(options) = bringing.prepare(context, &mut project, options(&args)).await? else {
        if context.globals.dry_run {
            output::print(&format!("run a command in container {}\n", one_off.name))?;
        }
        return Ok(ExitCode::SUCCESS);
    };
    let has_input = project.services.get(&args.service).is_some_and(|service| service.stdin_open);
    let has_terminal = project.services.get(&args.service).is_some_and(|service| service.tty);
    let subnet_pools = context.network_settings()?.address_pools;
    let name = project.name.clone();
    let request = Request::Run { project: Box::new(project), options, subnet_pools, one_off: one_off.clone() };
    let client = Client::request(&context.layout, &name, &request).await?;
    let mut run = Run {
        client,
        container: context.layout.project(&name).container(&one_off.id),
        one_off,
        has_input,
        has_terminal,
        is_begun: false,
        is_done: false,
        is_over: false,
        warnings: Vec::new(),
    };
    let result = run.follow(output::progress(&context.globals, "run")).await;
    run.warnings.iter().for_each(|message| output::warn(output::paint(&context.globals), message));
    result
}

/// The container, as flags want it: also what of its service is decided by who runs the command.
fn container(project: &mut Project, args: &RunArgs) -> OneOff {
    let has_terminal = !args.no_tty && io::stdin().is_terminal() && io::stdout().is_terminal();
    if let Some(service) = project.services.get_mut(&args.service) {
        (service.tty, service.stdin_open) = (has_terminal, args.interactive);
    }
    let made = OneOff::new(&project.name, &args.service);
    let size = terminal::size(rustix::stdio::stdin()).filter(|_| has_terminal);
    OneOff {
        name: args.name.clone().unwrap_or(made.name),
        remove: args.rm,
        attached: !args.detach,
        use_aliases: args.use_aliases,
        size: size.map(|size| ConsoleSize { rows: size.rows, columns: size.columns }),
        ..made
    }
}

fn options(args: &RunArgs) -> UpOptions {
    UpOptions {
        services: vec![args.service.clone()],
        one_off: Some(args.service.clone()),
        no_deps: args.no_deps,
        pull: args.pull.and_then(UpPull::policy),
        build: if args.build { Building::Always } else { Building::Missing },
        remove_orphans: args.remove_orphans,
        ..UpOptions::default()
    }
}

/// A command on its way.
struct Run {
    client: Client,
    one_off: OneOff,
    container: ContainerLayout,
    has_input: bool,
    has_terminal: bool,
    /// Whether what the container needs is there.
    is_begun: bool,
    /// Whether the supervisor has done its part.
    is_done: bool,
    /// Whether the supervisor has seen the end of the container, and its removal if that is wanted.
    is_over: bool,
    warnings: Vec<String>,
}

impl Run {
    async fn follow(&mut self, mut progress: StderrProgress) -> Result<ExitCode, CliError> {
        let held = interruptible(self.until_held(&mut progress)).await;
        progress.finish(Instant::now())?;
        if held? {
            return self.attached().await;
        }
        output::print(&format!("{}\n", self.one_off.id))?;
        Ok(ExitCode::SUCCESS)
    }

    /// Follows until the container waits for this client, or runs in the background: then it is false.
    async fn until_held(&mut self, progress: &mut StderrProgress) -> Result<bool, CliError> {
        let mut tick = tokio::time::interval(std::time::Duration::from_millis(100));
        loop {
            let event = tokio::select! {
                event = self.client.next() => event?,
                _ = tick.tick() => {
                    progress.tick(Instant::now())?;
                    continue;
                }
            };
            if let Some(Event::Progress { resource, status }) = &event {
                progress.event(output::event(resource, *status), Instant::now())?;
            }
            if matches!(&event, Some(Event::Held(id)) if *id == self.one_off.id) {
                return Ok(true);
            }
            self.note(event)?;
            if self.is_done {
                return Ok(false);
            }
        }
    }

    /// Takes note of what the supervisor says.
    fn note(&mut self, event: Option<Event>) -> Result<(), CliError> {
        let is_own = |resource: &Resource| matches!(resource, Resource::Container(name) if *name == self.one_off.name);
        match event {
            Some(Event::Progress { resource, status }) if is_own(&resource) => {
                self.is_begun = true;
                self.is_over |= matches!(status, Status::Removed);
            }
            Some(Event::Container(event)) if event.id == self.one_off.id && !self.one_off.remove => {
                self.is_over |= matches!(event.change, ContainerChange::Exited { .. });
            }
            Some(Event::Warning(message)) => self.warnings.push(message),
            Some(Event::Done) => self.is_done = true,
            Some(Event::Failed(failures)) => return Err(self.failed(failures)),
            Some(_) => {}
            None => return Err(ClientError::Lost { project: self.client.project().clone() }.into()),
        }
        Ok(())
    }

    fn failed(&self, failures: Vec<Failure>) -> CliError {
        if self.is_begun { CliError::NotBegun { failures } } else { CliError::Failed { failures } }
    }

    /// Joins the container and has its command begin; goes on until that has ended or the keys were pressed that leave.
    async fn attached(&mut self) -> Result<ExitCode, CliError> {
        let directory = self.container.run().to_owned();
        let attachment = Arc::new(Attachment::open(&directory)?);
        // Restored when dropped, on every way out.
        let raw = if self.has_terminal { Some(RawMode::enter(rustix::stdio::stdin())?) } else { None };
        let mut proxied = Proxied::new()?;
        let mut resized = signal(SignalKind::window_change())?;
        let mut shown = Some(show(Arc::clone(&attachment)));
        let keys = if self.has_terminal { DetachKeys::default() } else { DetachKeys::none() };
        let mut left = if self.has_input { type_into(Arc::clone(&attachment), Watcher::new(keys)) } else { None };
        self.client.attached().await?;
        let mut code = None;
        while !(shown.is_none() && self.is_done && self.is_over) {
            tokio::select! {
                event = self.client.next() => match event {
                    Ok(Some(event)) => self.note(Some(event))?,
                    // Without a supervisor the command goes on, and its end is known all the same.
                    _ if self.is_done => break,
                    Ok(None) => self.note(None)?,
                    Err(error) => return Err(error.into()),
                },
                end = ended(&mut shown) => match end {
                    Shown::All(end) => code = end,
                    Shown::Refused(source) => return self.unread(source),
                },
                () = pressed(&mut left) => {
                    drop(raw);
                    // As docker has it.
                    let _ = writeln!(io::stderr(), "read escape sequence");
                    return Ok(ExitCode::SUCCESS);
                }
                // With a terminal these come as characters. Before the command has begun nobody takes them: they wait.
                signal = proxied.next(), if self.is_done => {
                    self.pass_on(signal)?;
                    if signal == Signal::HUP && self.has_terminal {
                        // Our terminal is gone. A command that does not end for that goes on as one that was left.
                        return Ok(ExitCode::from(129));
                    }
                }
                _ = resized.recv(), if self.has_terminal => resize(&attachment)?,
            }
        }
        if shown.is_some()
            && let Shown::All(end) = ended(&mut shown).await
        {
            code = end;
        }
        drop(raw);
        let code = match code {
            Some(code) => code,
            None => ExitStatus::read(&directory)?.map_or(137, |exit| exit.code),
        };
        Ok(ExitCode::from(u8::try_from(code & 0xff).unwrap_or(1)))
    }

    /// Ends the command as the kernel ends one that writes to a pipe which nobody reads, or to a terminal that is gone.
    fn unread(&self, source: io::Error) -> Result<ExitCode, CliError> {
        if let Some(handle) = Handle::adopt(self.container.run())? {
            let signal = if self.has_terminal { Signal::HUP } else { Signal::PIPE };
            // The first process of a container gets no signal that it does not wait for.
            handle.signal(if handle.ignores(signal)? { Signal::KILL } else { signal })?;
        }
        Err(CliError::Output { source })
    }

    fn pass_on(&self, signal: Signal) -> Result<(), CliError> {
        // One that has ended needs no signal.
        match Handle::adopt(self.container.run())? {
            Some(handle) => Ok(handle.signal(signal)?),
            None => Ok(()),
        }
    }
}

/// Why nothing more of the container is shown, once; never after that.
async fn ended(shown: &mut Option<oneshot::Receiver<Shown>>) -> Shown {
    let Some(receiver) = shown else { return std::future::pending().await };
    let end = receiver.await.unwrap_or(Shown::All(None));
    *shown = None;
    end
}
