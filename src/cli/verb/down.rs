//! `rcompose down`.

use std::process::ExitCode;

use crate::cli::args::DownArgs;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::follow::complete;
use crate::cli::interrupt::interruptible;
use crate::cli::output;
use crate::cli::provider;
use crate::cli::rmi;
use crate::cli::select::{check_known, file_or_name, services};
use crate::image::Store;
use crate::plan::{self, DownOptions};
use crate::supervisor::{Client, Configuration, Request, observe};

pub(in crate::cli) async fn run(context: &Context, args: DownArgs) -> Result<ExitCode, CliError> {
    context.require_root()?;
    let (name, mut project) = file_or_name(context)?;
    let provided = match &mut project {
        Some(project) => provider::take(project, &args.services, true)?,
        None => provider::Provided::default(),
    };
    let paths = context.layout.project(&name);
    let records = paths.read_containers::<Configuration>()?;
    let images = args.rmi.map(|which| rmi::images(&name, project.as_ref(), &records, &args.services, which));
    let mut known = services(&records);
    known.extend(args.services.iter().filter(|name| provided.has(name)).cloned());
    check_known(context, &args.services, &known)?;
    let paint = output::paint(&context.globals);
    let provided =
        async { if context.globals.dry_run { Ok(()) } else { provider::down(context, &name, &provided).await } };
    let is_there = paths.exists() || paths.is_debris() || context.layout.has_volume_debris(&name);
    if !is_there && !args.volumes && args.rmi.is_none() {
        output::warn(paint, &format!("no resource found to remove for project `{name}`"));
        interruptible(provided).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let options = DownOptions {
        services: args.services,
        volumes: args.volumes,
        remove_orphans: args.remove_orphans,
        timeout: args.timeout,
        at_once: context.globals.at_once(),
    };
    if context.globals.dry_run {
        let store = Store::open(&context.layout.images())?;
        let observed = observe(&context.layout, &name, project.as_ref(), &store)?;
        output::print(&plan::teardown(project.as_ref(), &observed, &options).to_string())?;
        for image in images.iter().flatten() {
            output::print(&format!("remove image {image}\n"))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let request = Request::Down { project: project.map(Box::new), options };
    let client = Client::request(&context.layout, &name, &request).await?;
    interruptible(complete(client, output::progress(&context.globals, "down"), paint)).await?;
    interruptible(provided).await?;
    if let Some(images) = images {
        rmi::remove(context, &images)?;
    }
    Ok(ExitCode::SUCCESS)
}
