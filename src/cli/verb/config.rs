//! `rcompose config`.

use std::collections::BTreeSet;
use std::process::ExitCode;

use crate::cli::args::{ConfigArgs, ConfigFormat, HashOf};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output;
use crate::cli::select::select;
use crate::compose::model::Project;
use crate::compose::{to_json, to_yaml};
use crate::plan::service_hash;

pub(in crate::cli) fn run(context: &Context, args: &ConfigArgs) -> Result<ExitCode, CliError> {
    let mut project = context.load(&args.of_services)?;
    let selected: BTreeSet<_> = select(&project, &args.of_services)?.into_keys().cloned().collect();
    project.services.retain(|name, _| selected.contains(name));
    if args.quiet {
        return Ok(ExitCode::SUCCESS);
    }
    let text = text(&project, args)?;
    match &args.output {
        Some(path) => fs_err::write(path, text).map_err(|source| CliError::OutputFile { source })?,
        None => output::print(&text)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn text(project: &Project, args: &ConfigArgs) -> Result<String, CliError> {
    let lines = |items: BTreeSet<String>| items.into_iter().map(|item| item + "\n").collect::<String>();
    Ok(if let Some(hash) = &args.hash {
        let named = match hash {
            HashOf::All => &[][..],
            HashOf::Services(services) => services,
        };
        let hash = |(name, service)| format!("{name} {}", service_hash(project, service));
        lines(select(project, named)?.into_iter().map(hash).collect())
    } else if args.services {
        lines(project.services.keys().map(ToString::to_string).collect())
    } else if args.volumes {
        lines(project.volumes.keys().map(ToString::to_string).collect())
    } else if args.networks {
        lines(project.networks.keys().map(ToString::to_string).collect())
    } else if args.images {
        lines(project.services.values().map(|service| service.image.to_string()).collect())
    } else {
        match args.format {
            ConfigFormat::Yaml => to_yaml(project),
            ConfigFormat::Json => to_json(project),
        }
    })
}
