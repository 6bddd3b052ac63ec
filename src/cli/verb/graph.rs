//! `rcompose graph`: from the Compose file, and the records on disk.

use std::process::ExitCode;

use crate::cli::args::{GraphArgs, GraphFormat};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::graph::{Graph, States, as_dot, as_mermaid, as_svg};
use crate::cli::output;
use crate::cli::select::{is_one_off, select_with};
use crate::cli::verb::ps;
use crate::name::ProjectName;
use crate::supervisor::Configuration;

pub(in crate::cli) fn run(context: &Context, args: &GraphArgs) -> Result<ExitCode, CliError> {
    let project = context.load(&args.services)?;
    let services = select_with(&project, &args.services, true)?;
    let graph = Graph::new(&project, &services, &states(context, &project.name)?);
    let text = match args.language() {
        GraphFormat::Svg => as_svg(&graph),
        GraphFormat::Dot => as_dot(&graph),
        GraphFormat::Mermaid => as_mermaid(&graph),
    };
    match &args.output {
        Some(path) => fs_err::write(path, text).map_err(|source| CliError::OutputFile { source })?,
        None => output::print(&text)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// What the containers of each service are doing; nothing for who may not look.
fn states(context: &Context, name: &ProjectName) -> Result<States, CliError> {
    let mut states = States::new();
    if context.require_root().is_err() {
        return Ok(states);
    }
    let project = context.layout.project(name);
    for record in project.read_containers::<Configuration>()? {
        if !is_one_off(&record.labels) {
            let paths = project.container(&record.id);
            let state = ps::state(&paths, &paths.read_state()?)?;
            states.entry(record.service).or_default().push(state);
        }
    }
    Ok(states)
}
