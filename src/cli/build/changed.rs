//! What has changed since images were built: `up` runs them as they are, and says so.

use std::collections::BTreeSet;

use super::{BuildOptions, Fetched, open_cache, prepare, shared, workers};
use crate::build::run::{Cancel, Network};
use crate::build::share::Imported;
use crate::build::{self, BaseName, Bases, Builder, Unplanned};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::compose::model::Project;
use crate::image::Store;
use crate::name::ServiceName;
use crate::supervisor::device_nodes;

/// A line for each of `services` whose image was built here from something else than there is now. Nothing is fetched for that,
/// and what cannot be found out is not said.
pub(in crate::cli) fn changed(context: &Context, project: &Project, services: &[ServiceName]) -> Vec<String> {
    let note = |name: &ServiceName| changed_one(context, project, name).ok().flatten();
    services.iter().filter(|name| project.services[*name].build.is_some()).filter_map(note).collect()
}

fn changed_one(context: &Context, project: &Project, name: &ServiceName) -> Result<Option<String>, CliError> {
    let store = Store::open(&context.layout.images())?;
    let image = &project.services[name].image;
    let Some(built) = store.lookup(image)? else { return Ok(None) };
    // What came from a registry was built from who knows what.
    if built.digest.is_none_or(|digest| digest.to_string() != built.id) {
        return Ok(None);
    }
    let options = BuildOptions { quiet: true, ..BuildOptions::default() };
    let prepared = prepare(context, project, std::slice::from_ref(name), &options, &Fetched::default())?;
    let mut bases = Bases::new(build::emulated());
    let mut asked: BTreeSet<BaseName> = BTreeSet::new();
    let graph = loop {
        match build::lower(&prepared.targets, &prepared.files, &bases) {
            Ok(graph) => break graph,
            Err(Unplanned::Missing(missing)) => {
                for (reference, platform) in missing.into_keys() {
                    let base = match &platform {
                        Some(platform) => open_cache(context)?.base(&reference, platform),
                        None => {
                            store.lookup(&reference)?.and_then(|base| store.blueprint(&base).transpose()).transpose()?
                        }
                    };
                    let Some(base) = base else { return Ok(None) };
                    if !asked.insert((reference.clone(), platform.clone())) {
                        return Ok(None);
                    }
                    bases.add((reference, platform), base);
                }
            }
            // The Dockerfile was right when the image was built.
            Err(_) => {
                return Ok(Some(format!("the Dockerfile of `{name}` has changed since `{image}` was built: {HELP}")));
            }
        }
    };
    let (cache, cancel) = (open_cache(context)?, Cancel::new()?);
    let builder = Builder {
        store: &store,
        cache: &cache,
        imported: &Imported::default(),
        run: context.layout.run(),
        network: Network::None,
        hidden: &[],
        devices: device_nodes,
        workers: workers(),
        environment: &context.environment,
        cancel: &cancel,
    };
    let unchanged = match build::probe(&builder, &graph) {
        Ok(Ok(snapshots)) => {
            let target = &prepared.targets[0];
            let Ok(made) = shared::made(&builder, &graph, &snapshots, 0, target) else { return Ok(None) };
            let id = build::id(&cache, &made.planned, &snapshots, target.epoch);
            id.is_ok_and(|id| id.to_string() == built.id)
        }
        Ok(Err(step)) => {
            let step = &graph.steps[step].name;
            return Ok(Some(format!(
                "what `{name}` is built from has changed since `{image}` was built, at {step}: {HELP}"
            )));
        }
        Err(_) => return Ok(None),
    };
    let note = || format!("the Dockerfile of `{name}` has changed since `{image}` was built: {HELP}");
    Ok((!unchanged).then(note))
}

const HELP: &str = "build it again with --build";
