//! `rcompose create` and `rcompose scale`: `up` without starting, and with other numbers.

use std::process::ExitCode;

use super::up::{Bringing, Timing, in_plan, scaled};
use crate::cli::args::{CreateArgs, REMOVE_ORPHANS, ScaleArgs};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::select::select;
use crate::cli::timings::Stopwatch;
use crate::plan::UpOptions;

pub(in crate::cli) async fn create(context: &Context, args: CreateArgs) -> Result<ExitCode, CliError> {
    let stopwatch = Stopwatch::start();
    context.require_root()?;
    let (mut project, switches) = context.load_to_run(&args.services, false)?;
    select(&project, &args.scale.iter().map(|scale| scale.service.clone()).collect::<Vec<_>>())?;
    scaled(&mut project, &args.scale);
    let options = UpOptions {
        services: args.services.clone(),
        recreate: in_plan(args.recreate()),
        pull: args.pull.and_then(|pull| pull.policy()),
        build: args.building(),
        remove_orphans: args.remove_orphans || switches.is_on(REMOVE_ORPHANS),
        no_start: true,
        ..UpOptions::default()
    };
    let bringing = Bringing {
        title: "create",
        quiet_pull: args.quiet_pull,
        quiet_build: false,
        ignore_orphans: args.ignore_orphans,
        yes: args.yes,
        switches,
        timing: Timing { to: args.timings, stopwatch },
    };
    bringing.to_the_end(context, &mut project, options).await
}

pub(in crate::cli) async fn scale(context: &Context, args: ScaleArgs) -> Result<ExitCode, CliError> {
    context.require_root()?;
    let services: Vec<_> = args.scale.iter().map(|scale| scale.service.clone()).collect();
    let (mut project, switches) = context.load_to_run(&services, args.no_deps)?;
    scaled(&mut project, &args.scale);
    let options = UpOptions { services, no_deps: args.no_deps, ..UpOptions::default() };
    let bringing = Bringing {
        title: "scale",
        quiet_pull: false,
        quiet_build: false,
        ignore_orphans: args.ignore_orphans,
        yes: false,
        switches,
        timing: Timing::none(),
    };
    bringing.to_the_end(context, &mut project, options).await
}
