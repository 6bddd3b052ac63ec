//! `rcompose config`.

pub(in crate::cli) mod digests;
mod explain;
mod variables;

use std::collections::BTreeSet;
use std::process::ExitCode;

use crate::cli::args::{ConfigArgs, ConfigFormat, HashOf};
use crate::cli::contents;
use crate::cli::context::Context;
use crate::cli::error::{self, CliError};
use crate::cli::output;
use crate::cli::select::select;
use crate::compose::{Diagnostic, LeaveOut, LoadError, LoadOptions, Resolved, json_schema};
use crate::name::ServiceName;
use crate::plan::service_hash;

pub(in crate::cli) fn run(context: &Context, args: &ConfigArgs) -> Result<ExitCode, CliError> {
    let for_editors = args.format == Some(ConfigFormat::Json);
    if args.quiet && for_editors {
        return check(context, args);
    }
    let text = match text(context, args) {
        Err(error) if for_editors => {
            output::print_diagnostics(&error::diagnostics(&error))?;
            return Err(error);
        }
        text => text?,
    };
    if args.quiet {
        return Ok(ExitCode::SUCCESS);
    }
    match &args.output {
        Some(path) => fs_err::write(path, text).map_err(|source| CliError::OutputFile { source })?,
        None => output::print(&text)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// `config -q --format json`: prints mistakes and warnings, for editors, and nothing on standard error.
fn check(context: &Context, args: &ConfigArgs) -> Result<ExitCode, CliError> {
    let options = LoadOptions { lint: true, ..context.load_options(&args.of_services)? };
    let (diagnostics, code) = match context.check(&options) {
        Ok((_, warnings)) => (warnings.iter().map(Diagnostic::to_json).collect(), ExitCode::SUCCESS),
        Err(error) => (error::diagnostics(&error), error.exit_code()),
    };
    output::print_diagnostics(&diagnostics)?;
    Ok(code)
}

fn text(context: &Context, args: &ConfigArgs) -> Result<String, CliError> {
    if args.json_schema {
        return Ok(json_schema());
    }
    if let Some(hash) = &args.hash {
        return hashes(context, hash);
    }
    if args.variables {
        let resolved = context.resolve(&unresolved(context, args)?)?;
        return Ok(variables::text(&resolved.template_variables(), args.format));
    }
    // As there, these lists are of the whole project, whatever services are named.
    if args.services || args.volumes || args.networks || args.models {
        let resolved = resolve(context, args, &[])?;
        return Ok(if args.models {
            lines(resolved.models())
        } else if args.services {
            lines(resolved.keys("services"))
        } else if args.volumes {
            lines(resolved.keys("volumes"))
        } else {
            lines(resolved.keys("networks"))
        });
    }
    let mut resolved = resolve(context, args, &args.of_services)?;
    if args.profiles {
        return Ok(lines(resolved.profiles()));
    }
    if args.environment {
        return Ok(lines(resolved.variables().iter().map(|(name, value)| format!("{name}={value}"))));
    }
    if !args.of_services.is_empty() && !args.no_interpolate {
        resolved.select(&args.of_services);
    }
    if !args.explain.is_empty() {
        return explain::text(context, args, &resolved);
    }
    if args.images {
        return Ok(lines(resolved.images().into_values()));
    }
    if args.resolve_image_digests || args.lock_image_digests {
        digests::pin(context, &mut resolved)?;
    }
    if args.lock_image_digests {
        resolved.keep_images();
    }
    Ok(match args.format {
        _ if args.quiet => String::new(),
        None | Some(ConfigFormat::Yaml) => resolved.to_yaml(),
        Some(ConfigFormat::Json) => resolved.to_json(),
    })
}

fn lines<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().fold(String::new(), |text, item| text + item.as_ref() + "\n")
}

fn hashes(context: &Context, of: &HashOf) -> Result<String, CliError> {
    let named = match of {
        HashOf::All => &[][..],
        HashOf::Services(services) => services,
    };
    let mut project = context.load(&[])?;
    contents::note(&mut project);
    let services = select(&project, named)?;
    let hashes: BTreeSet<String> =
        services.into_iter().map(|(name, service)| format!("{name} {}", service_hash(&project, service))).collect();
    Ok(lines(hashes))
}

fn resolve(context: &Context, args: &ConfigArgs, services: &[ServiceName]) -> Result<Resolved, CliError> {
    if args.no_interpolate {
        return context.resolve(&unresolved(context, args)?);
    }
    let mut options = LoadOptions { lint: true, trace: !args.explain.is_empty(), ..context.load_options(services)? };
    if args.strict {
        let loaded = context.load_with(&options)?;
        let refused: Vec<Diagnostic> =
            loaded.unsupported.all().iter().map(|finding| finding.diagnostic.clone()).collect();
        return if refused.is_empty() { Ok(loaded.resolved) } else { Err(LoadError::Diagnostics(refused).into()) };
    }
    options.leave_out = LeaveOut {
        interpolation: false,
        normalisation: args.no_normalize,
        paths: args.no_path_resolution,
        env_files: args.no_env_resolution,
        consistency: args.no_consistency,
    };
    context.resolve(&options)
}

/// A load that leaves variables as they are, and with them everything that could depend on one.
fn unresolved(context: &Context, args: &ConfigArgs) -> Result<LoadOptions, CliError> {
    let leave_out = LeaveOut {
        interpolation: true,
        normalisation: args.no_normalize,
        paths: args.no_path_resolution,
        env_files: true,
        consistency: true,
    };
    let everything = vec!["*".to_owned()];
    Ok(LoadOptions { leave_out, profiles: everything, all_resources: true, ..context.load_options(&[])? })
}
