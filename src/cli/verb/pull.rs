//! `rcompose pull`.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Instant;

use crate::cli::args::{PullArgs, PullWhen};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::images::pull_images;
use crate::cli::interrupt::interruptible;
use crate::cli::output;
use crate::cli::progress::ProgressMode;
use crate::cli::select::select_with;
use crate::cli::timings::Stopwatch;
use crate::compose::model::{PullPolicy, Service};
use crate::image::Store;

pub(in crate::cli) async fn run(context: &mut Context, args: PullArgs) -> Result<ExitCode, CliError> {
    context.require_root()?;
    let project = context.load(&args.services)?;
    let services = select_with(&project, &args.services, args.include_deps)?;
    let store = Store::open(&context.layout.images())?;
    let mut references = BTreeSet::new();
    let is_pulled =
        |service: &&&Service| service.provider.is_none() && (!args.ignore_buildable || service.build.is_none());
    for service in services.values().filter(is_pulled) {
        for image in service.images() {
            let is_wanted = match (args.policy, service.pull_policy()) {
                (Some(PullWhen::Missing), _) => store.lookup(image)?.is_none(),
                (None, PullPolicy::Never) => false,
                // Asked for by name, an image is brought up to date even where `up` would take what is there.
                (Some(PullWhen::Always), _) | (None, _) => true,
            };
            if is_wanted {
                references.insert(image);
            }
        }
    }
    if args.quiet {
        context.globals.progress = Some(ProgressMode::Quiet);
    }
    let mut progress = output::progress(&context.globals, "pull");
    let failures = interruptible(pull_images(
        context,
        &store,
        references,
        context.globals.at_once(),
        &mut progress,
        &Stopwatch::start(),
    ))
    .await?;
    progress.finish(Instant::now())?;
    match failures.into_iter().next() {
        Some(failure) if !args.ignore_pull_failures => Err(CliError::Pull(failure)),
        Some(failure) => {
            output::warn(output::paint(&context.globals), &failure.to_string());
            Ok(ExitCode::SUCCESS)
        }
        None => Ok(ExitCode::SUCCESS),
    }
}
