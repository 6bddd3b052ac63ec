//! `rcompose up`.

use std::process::ExitCode;
use std::time::Instant;

use crate::cli::args::{self, UpArgs, UpPull};
use crate::cli::attached;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::follow::complete;
use crate::cli::images::pull_images;
use crate::cli::interrupt::interruptible;
use crate::cli::kernel;
use crate::cli::output;
use crate::cli::provider;
use crate::cli::publish;
use crate::cli::select::select;
use crate::compose::model::{Project, PullPolicy};
use crate::image::Store;
use crate::name::ServiceName;
use crate::plan::{Operation, Plan, Recreate, UpOptions, reconcile};
use crate::supervisor::{Client, Request, observe};

pub(in crate::cli) async fn run(context: &Context, args: UpArgs) -> Result<ExitCode, CliError> {
    context.require_root()?;
    let mut project = context.load_to_run(&args.services, args.no_deps)?;
    let provided = provider::take(&mut project, &args.services, args.no_deps)?;
    select(&project, &named(&args))?;
    scale(&mut project, &args);
    let mut options = options(&args);
    options.services.retain(|name| !provided.has(name));
    if !context.globals.dry_run {
        interruptible(provider::up(context, &mut project, &provided)).await?;
    }
    if options.services.is_empty() && !args.services.is_empty() {
        // Those that are named are all provided.
        return Ok(ExitCode::SUCCESS);
    }
    let store = Store::open(&context.layout.images())?;
    let observed = observe(&context.layout, &project.name, Some(&project), &store)?;
    let plan = reconcile(&project, &observed, &options)?;
    let paint = output::paint(&context.globals);
    if !plan.orphans().is_empty() {
        let names: Vec<_> = plan.orphans().iter().map(ToString::to_string).collect();
        let message = format!(
            "found orphan containers ({}) for this project: if you removed or renamed this service in your compose \
             file, run this command with --remove-orphans to clean it up",
            names.join(", ")
        );
        output::warn(paint, &message);
    }
    if context.globals.dry_run {
        output::print(&plan.to_string())?;
        return Ok(ExitCode::SUCCESS);
    }
    kernel::require()?;
    interruptible(pull(context, &store, &plan)).await?;
    if let Some(opened) = publish::opened(&project, &plan) {
        output::note(&opened);
    }
    let name = project.name.clone();
    let request = Request::Up { project: Box::new(project.clone()), options, follow: !args.detached() };
    let client = Client::request(&context.layout, &name, &request).await?;
    if !args.detached() {
        return attached::run(context, client, &project, &args).await;
    }
    let done = interruptible(complete(client, output::progress(&context.globals, "up"), paint));
    done.await?;
    Ok(ExitCode::SUCCESS)
}

/// The services that flags name; the arguments are checked with their profiles by the loader.
fn named(args: &UpArgs) -> Vec<ServiceName> {
    let scaled = args.scale.iter().map(|scale| &scale.service);
    scaled.chain(&args.exit_code_from).chain(&args.attach).chain(&args.no_attach).cloned().collect()
}

fn scale(project: &mut Project, args: &UpArgs) {
    for scale in &args.scale {
        if let Some(service) = project.services.get_mut(&scale.service) {
            service.scale = Some(scale.replicas);
        }
    }
}

fn options(args: &UpArgs) -> UpOptions {
    UpOptions {
        services: args.services.clone(),
        no_deps: args.no_deps,
        recreate: match args.recreate() {
            args::Recreate::Changed => Recreate::Diverged,
            args::Recreate::Always => Recreate::Force,
            args::Recreate::Never => Recreate::Never,
        },
        pull: match args.pull {
            None | Some(UpPull::Policy) => None,
            Some(UpPull::Always) => Some(PullPolicy::Always),
            Some(UpPull::Missing) => Some(PullPolicy::Missing),
            Some(UpPull::Never) => Some(PullPolicy::Never),
        },
        remove_orphans: args.remove_orphans,
        renew_volumes: false,
        wait: args.wait,
        wait_timeout: args.wait_timeout.filter(|_| args.detached()),
        timeout: args.timeout,
    }
}

/// Pulls what the plan says. The client does it, and the supervisor plans again from what is there then: a registry
/// client in the supervisor would cost each project its memory.
async fn pull(context: &Context, store: &Store, plan: &Plan) -> Result<(), CliError> {
    let images = plan.steps().filter_map(|(_, step)| match &step.operation {
        Operation::PullImage { image } => Some(image),
        _ => None,
    });
    let images: Vec<_> = images.collect();
    if images.is_empty() {
        return Ok(());
    }
    let mut progress = output::progress(&context.globals, "pull");
    let failures = pull_images(context, store, images, &mut progress).await?;
    progress.finish(Instant::now())?;
    failures.into_iter().next().map_or(Ok(()), |failure| Err(CliError::Pull(failure)))
}
