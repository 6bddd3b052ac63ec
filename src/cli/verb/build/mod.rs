//! `rcompose build`.

mod df;
mod prune;

use std::collections::BTreeMap;
use std::process::ExitCode;

use crate::cli::args::{BuildArgs, BuildVerb};
use crate::cli::build::{BuildFailure, BuildOptions, bake_file, build_services, check_services};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::interrupt::interruptible;
use crate::cli::output;
use crate::cli::select::select_with;
use crate::cli::verb::push::push_all;
use crate::name::ServiceName;
use crate::text::units;

pub(in crate::cli) async fn run(context: &Context, args: BuildArgs) -> Result<ExitCode, CliError> {
    match &args.verb {
        Some(BuildVerb::Df(df)) => return df::run(context, df),
        Some(BuildVerb::Prune(prune)) => return prune::run(context, prune),
        None => {}
    }
    let project = context.load_to_build(&args.services)?;
    let services = select_with(&project, &args.services, args.with_dependencies)?;
    let options = options(context, &args)?;
    let buildable: Vec<ServiceName> =
        services.iter().filter(|(_, service)| service.build.is_some()).map(|(name, _)| (*name).clone()).collect();
    if buildable.is_empty() {
        output::note("no service of these is built");
        return Ok(ExitCode::SUCCESS);
    }
    if args.print {
        output::print(&bake_file(&project, &buildable, &options, args.push)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    if context.globals.dry_run {
        let lines = buildable.iter().map(|name| format!("build image of {name}\n"));
        output::print(&lines.collect::<String>())?;
        return Ok(ExitCode::SUCCESS);
    }
    context.require_root()?;
    if args.check {
        return interruptible(check_services(context, &project, &buildable, &options)).await;
    }
    say_what_is_ignored(&args);
    interruptible(build_services(context, &project, &buildable, &options)).await?;
    if args.push {
        let failures = interruptible(push_all(context, &project.name, &services)).await?;
        if let Some(failure) = failures.into_iter().next() {
            return Err(CliError::Push(failure));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn options(context: &Context, args: &BuildArgs) -> Result<BuildOptions, CliError> {
    let value = |name: &str| context.environment.get(name).cloned();
    let given = args.build_args.iter();
    let arguments = given.filter_map(|one| Some((one.name.clone(), one.value.clone().or_else(|| value(&one.name))?)));
    let memory = match args.memory.as_deref() {
        Some(text) => Some(units::bytes(text).map_err(|_| BuildFailure::Memory { text: text.to_owned() })?),
        None => None,
    };
    Ok(BuildOptions {
        arguments: arguments.collect::<BTreeMap<_, _>>(),
        no_cache: args.no_cache,
        pull: args.pull,
        memory: memory.filter(|bytes| *bytes > 0),
        ssh: args.ssh().0,
        quiet: args.quiet,
    })
}

fn say_what_is_ignored(args: &BuildArgs) {
    for (is_given, flag, why) in [
        (args.builder.is_some(), "--builder", "there is one builder"),
        (wants(&args.provenance), "--provenance", "no attestation is made"),
        (wants(&args.sbom), "--sbom", "no bill of materials is made"),
    ] {
        if is_given {
            output::note(&format!("`{flag}` has no effect: {why}"));
        }
    }
}

#[expect(clippy::ref_option, clippy::option_option, reason = "a flag with a value that may be left out")]
fn wants(flag: &Option<Option<String>>) -> bool {
    matches!(flag, Some(value) if value.as_deref() != Some("false"))
}
