//! `rcompose up`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use crate::cli::args::{self, IGNORE_ORPHANS, MENU, REMOVE_ORPHANS, Scale, UpArgs, UpPull};
use crate::cli::attached;
use crate::cli::build::{BuildOptions, build_services, changed};
use crate::cli::confirm::confirmed;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::follow::complete_timed;
use crate::cli::images::pull_images;
use crate::cli::interrupt::interruptible;
use crate::cli::kernel;
use crate::cli::output;
use crate::cli::progress::ProgressMode;
use crate::cli::provider;
use crate::cli::publish;
use crate::cli::select::select;
use crate::cli::switches::Switches;
use crate::cli::timings::{Kind, Report, Stopwatch, TimingsTo};
use crate::cli::watch::Rules;
use crate::compose::model::{Dependency, Project, Service};
use crate::image::Store;
use crate::name::{ImageReference, ServiceName, VolumeName};
use crate::plan::{DependencyGraph, Operation, Plan, PlanError, Recreate, UpOptions, concerned, reconcile};
use crate::supervisor::{Client, Request, now, observe};

pub(in crate::cli) async fn run(context: &Context, mut args: UpArgs) -> Result<ExitCode, CliError> {
    let stopwatch = Stopwatch::start();
    context.require_root()?;
    let (mut project, switches) = context.load_to_run(&args.services, args.no_deps)?;
    select(&project, &named(&args))?;
    scaled(&mut project, &args.scale);
    args.remove_orphans |= switches.is_on(REMOVE_ORPHANS);
    if args.attach_dependencies {
        args.attach = with_dependencies(&project, &args.services)?;
    }
    let watched = args.watch.then(|| Rules::of(context, &project, &args.services)).transpose()?;
    args.menu.get_or_insert(switches.is_on(MENU));
    let bringing = Bringing {
        title: "up",
        quiet_pull: args.quiet_pull,
        quiet_build: args.quiet_build,
        ignore_orphans: args.ignore_orphans,
        yes: args.yes,
        switches,
        timing: Timing { to: args.timings.clone(), stopwatch },
    };
    let Some(client) = bringing.begin(context, &mut project, options(&args), !args.detached()).await? else {
        return Ok(ExitCode::SUCCESS);
    };
    if !args.detached() {
        return attached::run(context, client, &project, &args, watched, bringing.report()).await;
    }
    bringing.end(context, client, &project).await?;
    Ok(ExitCode::SUCCESS)
}

/// How a command that makes containers what the file says goes about it.
pub(super) struct Bringing {
    /// What its progress is called.
    pub(super) title: &'static str,
    /// `--quiet-pull`.
    pub(super) quiet_pull: bool,
    /// `--quiet-build`.
    pub(super) quiet_build: bool,
    /// Nobody wants to hear of containers that the file does not have.
    pub(super) ignore_orphans: bool,
    /// `-y`: every question is answered with yes.
    pub(super) yes: bool,
    /// What variables say beside the flags.
    pub(super) switches: Switches,
    /// What is to be told of the time that it takes.
    pub(super) timing: Timing,
}

/// What is to be told of the time that a command takes.
pub(super) struct Timing {
    /// `--timings`.
    pub(super) to: Option<TimingsTo>,
    /// What the command itself takes.
    pub(super) stopwatch: Stopwatch,
}

impl Timing {
    /// Nothing.
    pub(super) fn none() -> Self {
        Self { to: None, stopwatch: Stopwatch::start() }
    }
}

impl Bringing {
    /// Does it.
    pub(super) async fn to_the_end(
        &self,
        context: &Context,
        project: &mut Project,
        options: UpOptions,
    ) -> Result<ExitCode, CliError> {
        if let Some(client) = self.begin(context, project, options, false).await? {
            self.end(context, client, project).await?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Does what [`Self::prepare`] does, and asks the supervisor for the rest.
    async fn begin(
        &self,
        context: &Context,
        project: &mut Project,
        options: UpOptions,
        follow: bool,
    ) -> Result<Option<Client>, CliError> {
        let Some(options) = self.prepare(context, project, options).await? else { return Ok(None) };
        let subnet_pools = context.network_settings()?.address_pools;
        let (begun, timed) = (now(), self.timing.to.is_some());
        let request = Request::Up { project: Box::new(project.clone()), options, subnet_pools, follow, timed };
        let client = Client::request(&context.layout, &project.name, &request).await?;
        self.timing.stopwatch.note(Kind::Connect, "supervisor", begun);
        Ok(Some(client))
    }

    /// Has providers do their part and pulls what is missing; `None` when that is all.
    pub(super) async fn prepare(
        &self,
        context: &Context,
        project: &mut Project,
        mut options: UpOptions,
    ) -> Result<Option<UpOptions>, CliError> {
        let ignore_orphans = self.ignore_orphans || self.switches.is_on(IGNORE_ORPHANS);
        options.at_once = self.switches.at_once(&context.globals)?;
        if ignore_orphans && options.remove_orphans {
            return Err(CliError::IgnoredAndRemoved);
        }
        let provided = provider::take(project, &options.services, options.no_deps)?;
        if !context.globals.dry_run {
            if !provided.in_order().is_empty() {
                self.timing.stopwatch.loaded();
            }
            for name in provided.in_order() {
                if let Some(needs) = provided.needs(name).filter(|_| !options.no_deps) {
                    self.bring_needs(context, project, name, needs, &options).await?;
                }
                let begun = now();
                interruptible(provider::up(context, project, &provided, name)).await?;
                self.timing.stopwatch.note(Kind::Provide, name.as_str(), begun);
            }
        }
        let names_any = !options.services.is_empty();
        options.services.retain(|name| !provided.has(name));
        if names_any && options.services.is_empty() {
            // Those that are named are all provided.
            return Ok(None);
        }
        let project = &*project;
        let store = Store::open(&context.layout.images())?;
        let observed = observe(&context.layout, &project.name, Some(project), &store)?;
        let mut plan = reconcile(project, &observed, &options)?;
        options.recreate_volumes = self.given_up(context, project, &plan)?;
        if !options.recreate_volumes.is_empty() {
            plan = reconcile(project, &observed, &options)?;
        }
        if !ignore_orphans {
            warn_of_orphans(context, &plan);
        }
        if context.globals.dry_run {
            output::print(&plan.to_string())?;
            return Ok(None);
        }
        if context.globals.progress != Some(ProgressMode::Quiet) {
            plan.recreations().iter().for_each(|line| output::note(line));
        }
        kernel::require()?;
        let stopwatch = &self.timing.stopwatch;
        stopwatch.loaded();
        interruptible(pull(context, &store, &plan, options.at_once, self.quiet_pull, stopwatch)).await?;
        let built = interruptible(build(context, project, &plan, self.quiet_build)).await?;
        if context.globals.progress != Some(ProgressMode::Quiet) {
            let mut services: Vec<_> = concerned(project, &options)?.into_iter().cloned().collect();
            services.retain(|name| !built.contains(name));
            changed(context, project, &services).iter().for_each(|note| output::note(note));
        }
        if let Some(opened) = publish::opened(project, &plan) {
            output::note(&opened);
        }
        Ok(Some(options))
    }

    /// Brings up what the provided service `name` depends on, and waits for it as that says: as for one whose containers are
    /// none of the supervisor's business.
    async fn bring_needs(
        &self,
        context: &Context,
        project: &Project,
        name: &ServiceName,
        needs: &BTreeMap<ServiceName, Dependency>,
        options: &UpOptions,
    ) -> Result<(), CliError> {
        let mut service = Service::new(ImageReference::Rootfs(PathBuf::from("/")));
        service.depends_on.clone_from(needs);
        let mut project = project.clone();
        project.services.insert(name.clone(), service);
        let options = UpOptions {
            services: vec![name.clone()],
            one_off: Some(name.clone()),
            recreate: options.recreate,
            recreate_dependencies: options.recreate_dependencies,
            pull: options.pull,
            build: options.build,
            timeout: options.timeout,
            at_once: options.at_once,
            ..UpOptions::default()
        };
        let store = Store::open(&context.layout.images())?;
        let observed = observe(&context.layout, &project.name, Some(&project), &store)?;
        let plan = reconcile(&project, &observed, &options)?;
        kernel::require()?;
        let stopwatch = &self.timing.stopwatch;
        interruptible(pull(context, &store, &plan, options.at_once, self.quiet_pull, stopwatch)).await?;
        interruptible(build(context, &project, &plan, self.quiet_build)).await?;
        let (subnet_pools, of) = (context.network_settings()?.address_pools, project.name.clone());
        let (begun, timed) = (now(), self.timing.to.is_some());
        let request = Request::Up { project: Box::new(project), options, subnet_pools, follow: false, timed };
        let client = Client::request(&context.layout, &of, &request).await?;
        stopwatch.note(Kind::Connect, "supervisor", begun);
        let (progress, paint) = (output::progress(&context.globals, self.title), output::paint(&context.globals));
        let mut steps = Vec::new();
        let result = interruptible(complete_timed(client, progress, paint, &mut steps)).await;
        stopwatch.add(steps);
        result
    }

    /// The volumes that have changed and that the user lets go, with what is in them.
    fn given_up(&self, context: &Context, project: &Project, plan: &Plan) -> Result<BTreeSet<VolumeName>, CliError> {
        let mut given_up = BTreeSet::new();
        for (volume, fields) in plan.changed_volumes() {
            let name = &project.volumes[volume].name;
            let about = format!("volume {name} is not what the file says ({fields})");
            let asks = io::stdin().is_terminal() && !context.globals.dry_run;
            if self.yes || (asks && confirmed(&format!("{about}. Recreate it? What is in it is lost [yN] "))?) {
                given_up.insert(volume.clone());
            } else if !asks {
                let message = format!("{about}, and stays as it is: -y recreates it, and loses what is in it");
                output::warn(output::paint(&context.globals), &message);
            }
        }
        Ok(given_up)
    }

    async fn end(&self, context: &Context, client: Client, project: &Project) -> Result<(), CliError> {
        let progress = output::progress(&context.globals, self.title);
        let mut steps = Vec::new();
        let paint = output::paint(&context.globals);
        let result = interruptible(complete_timed(client, progress, paint, &mut steps)).await;
        // Of one that failed, too: it may be what took so long.
        if let Some(mut report) = self.report() {
            report.steps = steps;
            report.tell(&context.globals, &project.name)?;
        }
        result
    }

    /// What tells of the time, where it is to be told.
    fn report(&self) -> Option<Report> {
        let Timing { to, stopwatch } = &self.timing;
        let (title, stopwatch) = (self.title, stopwatch.clone());
        to.clone().map(|to| Report { title, to, stopwatch, steps: Vec::new() })
    }
}

fn warn_of_orphans(context: &Context, plan: &Plan) {
    if plan.orphans().is_empty() {
        return;
    }
    let names: Vec<_> = plan.orphans().iter().map(ToString::to_string).collect();
    let message = format!(
        "found orphan containers ({}) for this project: if you removed or renamed this service in your compose file, \
         run this command with --remove-orphans to clean it up",
        names.join(", ")
    );
    output::warn(output::paint(&context.globals), &message);
}

/// The services that flags name; the arguments are checked with their profiles by the loader.
fn named(args: &UpArgs) -> Vec<ServiceName> {
    let scaled = args.scale.iter().map(|scale| &scale.service);
    scaled.chain(&args.exit_code_from).chain(&args.attach).chain(&args.no_attach).cloned().collect()
}

/// `services` (all when there are none) and what they depend on, but for those that do not want to be heard.
fn with_dependencies(project: &Project, services: &[ServiceName]) -> Result<Vec<ServiceName>, CliError> {
    let graph = DependencyGraph::of(&project.services).map_err(PlanError::from)?;
    let named = select(project, services)?.into_keys().collect();
    let all = graph.with_dependencies(&named).into_iter();
    Ok(all.filter(|name| project.services[*name].attach()).cloned().collect())
}

/// Gives services other numbers of containers than the file does.
pub(super) fn scaled(project: &mut Project, scales: &[Scale]) {
    for scale in scales {
        if let Some(service) = project.services.get_mut(&scale.service) {
            service.scale = Some(scale.replicas);
        }
    }
}

/// Whether containers that exist are made anew, as the plan has it.
pub(super) fn in_plan(recreate: args::Recreate) -> Recreate {
    match recreate {
        args::Recreate::Changed => Recreate::Diverged,
        args::Recreate::Always => Recreate::Force,
        args::Recreate::Never => Recreate::Never,
    }
}

fn options(args: &UpArgs) -> UpOptions {
    UpOptions {
        services: args.services.clone(),
        one_off: None,
        no_deps: args.no_deps,
        recreate: in_plan(args.recreate()),
        recreate_dependencies: args.always_recreate_deps,
        no_start: args.no_start,
        pull: args.pull.and_then(UpPull::policy),
        build: args.building(),
        remove_orphans: args.remove_orphans,
        renew_volumes: args.renew_anon_volumes,
        recreate_volumes: BTreeSet::new(),
        wait: args.wait,
        wait_timeout: args.wait_timeout.filter(|_| args.detached()),
        timeout: args.timeout,
        // Known once the file is loaded.
        at_once: None,
    }
}

/// Pulls what the plan says. The client does it, and the supervisor plans again from what is there then: a registry
/// client in the supervisor would cost each project its memory.
pub(super) async fn pull(
    context: &Context,
    store: &Store,
    plan: &Plan,
    at_once: Option<usize>,
    quiet: bool,
    stopwatch: &Stopwatch,
) -> Result<(), CliError> {
    let images = plan.steps().filter_map(|(_, step)| match &step.operation {
        Operation::PullImage { image } => Some(image),
        _ => None,
    });
    let images: Vec<_> = images.collect();
    if images.is_empty() {
        return Ok(());
    }
    let mut globals = context.globals.clone();
    if quiet {
        globals.progress = Some(ProgressMode::Quiet);
    }
    let mut progress = output::progress(&globals, "pull");
    let failures = pull_images(context, store, images, at_once, &mut progress, stopwatch).await?;
    progress.finish(Instant::now())?;
    failures.into_iter().next().map_or(Ok(()), |failure| Err(CliError::Pull(failure)))
}

/// Builds what the plan says, and returns which services that was.
async fn build(context: &Context, project: &Project, plan: &Plan, quiet: bool) -> Result<Vec<ServiceName>, CliError> {
    let services = plan.steps().filter_map(|(_, step)| match &step.operation {
        Operation::BuildImage { service } => Some(service.clone()),
        _ => None,
    });
    let services: Vec<ServiceName> = services.collect();
    if !services.is_empty() {
        let options = BuildOptions { quiet, ..BuildOptions::default() };
        build_services(context, project, &services, &options).await?;
    }
    Ok(services)
}
