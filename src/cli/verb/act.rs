//! `rcompose start`, `stop`, `restart`, `kill`, `pause`, `unpause` and `rm`: containers as they are.

use std::process::ExitCode;

use crate::cli::args::{KillArgs, PauseArgs, RestartArgs, RmArgs, StartArgs, StopArgs};
use crate::cli::confirm::confirmed;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::follow::complete_timed;
use crate::cli::interrupt::interruptible;
use crate::cli::kernel;
use crate::cli::output;
use crate::cli::provider;
use crate::cli::select::{check_known, file_or_name, services};
use crate::cli::timings::{Kind, Report, Stopwatch};
use crate::compose::model::Project;
use crate::image::Store;
use crate::name::{ProjectName, ServiceName};
use crate::plan::{self, Action, Operation, Plan};
use crate::supervisor::{Client, Configuration, Request, now, observe};

pub(in crate::cli) async fn start(context: &Context, args: StartArgs) -> Result<ExitCode, CliError> {
    kernel::require()?;
    let stopwatch = Stopwatch::start();
    let mut wish =
        Wish::of(context, args.services, Action::Start { wait: args.wait, wait_timeout: args.wait_timeout })?;
    wish.report = args.timings.map(|to| Report { title: "start", to, stopwatch, steps: Vec::new() });
    wish.fulfil("start").await
}

pub(in crate::cli) async fn stop(context: &Context, args: StopArgs) -> Result<ExitCode, CliError> {
    Wish::of(context, args.services, Action::Stop { timeout: args.timeout })?.fulfil("stop").await
}

pub(in crate::cli) async fn restart(context: &Context, args: RestartArgs) -> Result<ExitCode, CliError> {
    let action = Action::Restart { timeout: args.timeout, no_deps: args.no_deps };
    Wish::of(context, args.services, action)?.fulfil("restart").await
}

pub(in crate::cli) async fn kill(context: &Context, args: KillArgs) -> Result<ExitCode, CliError> {
    let action = Action::Kill { signal: args.signal.0, orphans: args.remove_orphans };
    let wish = Wish::of(context, args.services, action)?;
    if wish.plan.is_empty() && !context.globals.dry_run {
        output::note("no container to kill");
    }
    wish.fulfil("kill").await
}

pub(in crate::cli) async fn pause(context: &Context, args: PauseArgs) -> Result<ExitCode, CliError> {
    Wish::of(context, args.services, Action::Pause)?.fulfil("pause").await
}

pub(in crate::cli) async fn unpause(context: &Context, args: PauseArgs) -> Result<ExitCode, CliError> {
    Wish::of(context, args.services, Action::Unpause)?.fulfil("unpause").await
}

pub(in crate::cli) async fn rm(context: &Context, args: RmArgs) -> Result<ExitCode, CliError> {
    let wish = Wish::of(context, args.services, Action::Remove { stop: args.stop, volumes: args.volumes })?;
    let going = wish.plan.steps().filter_map(|(_, step)| match &step.operation {
        Operation::RemoveContainer { name, .. } => Some(name.as_str()),
        _ => None,
    });
    let going: Vec<_> = going.collect();
    if going.is_empty() && !context.globals.dry_run {
        output::note("no stopped containers");
        return Ok(ExitCode::SUCCESS);
    }
    let question = format!("Going to remove {}\nAre you sure? [yN] ", going.join(", "));
    if !args.force && !context.globals.dry_run && !confirmed(&question)? {
        return Ok(ExitCode::SUCCESS);
    }
    wish.fulfil("rm").await
}

/// What is to be done, and to what.
struct Wish<'a> {
    context: &'a Context,
    name: ProjectName,
    project: Option<Project>,
    services: Vec<ServiceName>,
    action: Action,
    /// What it comes to if nothing happens in the meantime.
    plan: Plan,
    /// What tells of the time, where it is to be told.
    report: Option<Report>,
}

impl<'a> Wish<'a> {
    fn of(context: &'a Context, names: Vec<ServiceName>, action: Action) -> Result<Self, CliError> {
        context.require_root()?;
        let (name, mut project) = file_or_name(context)?;
        if let Some(project) = &mut project {
            // They have no containers.
            provider::take(project, &names, true)?;
        }
        let paths = context.layout.project(&name);
        check_known(context, &names, &services(&paths.read_containers::<Configuration>()?))?;
        let store = Store::open(&context.layout.images())?;
        let observed = observe(&context.layout, &name, project.as_ref(), &store)?;
        let plan = plan::act(project.as_ref(), &observed, &names, &action)?;
        Ok(Self { context, name, project, services: names, action, plan, report: None })
    }

    /// Has the supervisor do it.
    async fn fulfil(self, title: &str) -> Result<ExitCode, CliError> {
        let Self { context, name, project, services, action, plan, report } = self;
        if context.globals.dry_run {
            output::print(&plan.to_string())?;
            return Ok(ExitCode::SUCCESS);
        }
        // Where a supervisor is at work, there may be more to do than can be seen.
        if plan.is_empty() && !context.layout.project(&name).socket().exists() {
            return Ok(ExitCode::SUCCESS);
        }
        let (project, at_once) = (project.map(Box::new), context.globals.at_once());
        let request = Request::Act { project, services, action, at_once, timed: report.is_some() };
        if let Some(report) = &report {
            report.stopwatch.loaded();
        }
        let begun = now();
        let client = Client::request(&context.layout, &name, &request).await?;
        let progress = output::progress(&context.globals, title);
        let (paint, mut steps) = (output::paint(&context.globals), Vec::new());
        if let Some(report) = &report {
            report.stopwatch.note(Kind::Connect, "supervisor", begun);
        }
        let result = interruptible(complete_timed(client, progress, paint, &mut steps)).await;
        if let Some(report) = report {
            Report { steps, ..report }.tell(&context.globals, &name)?;
        }
        result.map(|()| ExitCode::SUCCESS)
    }
}
