//! What the Dockerfiles of services have that is allowed and better done otherwise.

use std::collections::BTreeSet;
use std::process::ExitCode;

use super::{BuildFailure, BuildOptions, Prepared, fetch, open_cache, prepare};
use crate::build;
use crate::build::dockerfile::{Checked, Warning};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output;
use crate::cli::progress::ProgressMode;
use crate::cli::style::Paint;
use crate::compose::model::Project;
use crate::image::{ImageConfig, Store};
use crate::name::{ImageReference, ServiceName};

/// Prints what is better done otherwise in the Dockerfiles of `services`, and builds nothing. Whoever has something to mend
/// ends with 1, as with `docker build --check`.
///
/// # Errors
/// [`CliError::Build`] with the mistakes of the Dockerfiles.
pub(in crate::cli) async fn check_services(
    context: &Context,
    project: &Project,
    services: &[ServiceName],
    options: &BuildOptions,
) -> Result<ExitCode, CliError> {
    let fetched = fetch(context, project, services, &open_cache(context)?).await?;
    let prepared = prepare(context, project, services, options, &fetched)?;
    let store = Store::open(&context.layout.images())?;
    let color = output::paint(&context.globals) == Paint::COLOURED;
    let warnings: Vec<_> = check(&store, &prepared).into_iter().flat_map(|checked| checked.warnings).collect();
    for warning in &warnings {
        output::print(&format!("{}\n\n", warning.render(color)))?;
    }
    let found = match warnings.len() {
        0 => "no warnings found.".to_owned(),
        1 => "1 warning has been found!".to_owned(),
        number => format!("{number} warnings have been found!"),
    };
    output::print(&format!("Check complete, {found}\n"))?;
    Ok(if warnings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Says at the end of a build for people what `--check` would, a line each.
pub(super) fn tell(context: &Context, store: &Store, prepared: &Prepared) {
    if matches!(context.globals.progress, Some(ProgressMode::Quiet | ProgressMode::Json)) {
        return;
    }
    let mut warnings: Vec<_> = check(store, prepared).into_iter().flat_map(|checked| checked.warnings).collect();
    // Two services may be built from one file.
    let mut seen = BTreeSet::new();
    warnings.retain(|warning| seen.insert(line(warning)));
    if warnings.is_empty() {
        return;
    }
    let count = if warnings.len() == 1 { "1 warning".to_owned() } else { format!("{} warnings", warnings.len()) };
    output::said(&format!("{count} found (use --check to expand):\n"));
    warnings.iter().for_each(|warning| output::said(&format!(" - {}\n", line(warning))));
}

/// `JSONArgsRecommended: what it says (Dockerfile:3)`.
fn line(warning: &Warning) -> String {
    let rule = warning.rule.map_or_else(String::new, |rule| format!("{}: ", rule.name()));
    format!("{rule}{} ({}:{})", warning.message, warning.span.source.name, warning.span.line())
}

/// Refuses what its Dockerfile wants to be refused: `# check=error=true`.
///
/// # Errors
/// [`BuildFailure::Forbidden`] with all that the rules of such files say.
pub(super) fn forbidden(store: &Store, prepared: &Prepared) -> Result<(), BuildFailure> {
    let strict = check(store, prepared).into_iter().filter(|checked| checked.error);
    let warnings: Vec<Warning> = strict.flat_map(|checked| checked.warnings).collect();
    if warnings.is_empty() { Ok(()) } else { Err(BuildFailure::Forbidden { warnings }) }
}

/// What the rules say of each target. Of images that are not in the store they take nothing for granted.
pub(super) fn check(store: &Store, prepared: &Prepared) -> Vec<Checked> {
    let image =
        |name: &str| -> Option<ImageConfig> { Some(store.lookup(&ImageReference::parse(name).ok()?).ok()??.config) };
    prepared.targets.iter().zip(&prepared.files).map(|(target, file)| build::check(target, file, &image)).collect()
}
