//! The caches that builds share with other machines: `cache_from` and `cache_to`.

use std::sync::Arc;
use std::time::Instant;

use super::BuildFailure;
use crate::build::share::{CachePlace, CacheTo, Imported, bring_all, export as write, with_inline};
use crate::build::{Builder, Graph, Planned, Record, Snapshot, SolveError, Target, records};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output::{self, StderrProgress};
use crate::cli::progress::{Event as Shown, Status};
use crate::cli::verb::push::pack;
use crate::image::{Depot, Digest, RegistryConfig, Store};

/// What an image is to be, and what its steps are known by.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) planned: Planned,
    records: Vec<(Digest, Record)>,
}

/// Reads what `targets` are to take from others. What is not to be had is said, and does without.
///
/// # Errors
/// [`CliError`] of the configuration of registries.
pub(super) async fn import(context: &Context, targets: &[Target], quiet: bool) -> Result<Imported, CliError> {
    let mut places: Vec<&CachePlace> = Vec::new();
    for place in targets.iter().flat_map(|target| &target.cache_from) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    if places.is_empty() {
        return Ok(Imported::default());
    }
    let registries = Arc::new(context.registries()?);
    let depots = places.into_iter().map(|place| depot(place, &registries)).collect();
    let (imported, failures) = Imported::read(depots).await;
    if !quiet {
        failures.iter().for_each(|failure| output::note(failure));
    }
    Ok(imported)
}

fn depot(place: &CachePlace, registries: &Arc<RegistryConfig>) -> Depot {
    match place {
        CachePlace::Directory(path, tag) => Depot::directory(path.clone(), tag.clone()),
        CachePlace::Registry(reference) => Depot::registry(registries, reference.clone()),
    }
}

/// What the image with this number is to be, which is that of `target`.
///
/// # Errors
/// A directory that cannot be read.
pub(super) fn made(
    builder: &Builder<'_>,
    graph: &Graph,
    snapshots: &[Snapshot],
    image: usize,
    target: &Target,
) -> Result<Made, SolveError> {
    let planned = graph.images[image].clone();
    if target.cache_to.is_empty() {
        return Ok(Made { planned, records: Vec::new() });
    }
    let records = records(builder, graph, snapshots, image)?;
    // What lies where it is to be need not be brought.
    let is_elsewhere = |place: &CachePlace| !target.cache_from.contains(place);
    if target.cache_to.iter().any(|to| to.is_max && to.place.as_ref().is_some_and(is_elsewhere)) {
        bring_all(builder.imported, builder.store, &records)?;
    }
    let is_inline = target.cache_to.iter().any(|to| to.place.is_none());
    Ok(Made { planned: if is_inline { with_inline(&planned, records.clone()) } else { planned }, records })
}

/// Writes what the steps of `made` are known by to where `target` says. `image` are the layers of the image.
///
/// # Errors
/// [`BuildFailure::CacheTo`], unless that is to be ignored.
pub(super) async fn export(
    context: &Context,
    store: &Store,
    target: &Target,
    made: &Made,
    image: &[Digest],
    progress: &mut StderrProgress,
) -> Result<(), CliError> {
    let registries = Arc::new(context.registries()?);
    for CacheTo { place, is_max, ignore_error } in &target.cache_to {
        let Some(place) = place else { continue };
        let depot = depot(place, &registries);
        let id = format!("Cache {depot}");
        progress.event(Shown::new(&id, Status::Exporting), Instant::now())?;
        let only = (!is_max).then_some(image);
        let written = write(&depot, store, made.records.clone(), only, pack).await;
        let status = if written.is_ok() { Status::Exported } else { Status::Error };
        progress.event(Shown::new(&id, status), Instant::now())?;
        match written {
            Err(source) if !ignore_error => {
                return Err(BuildFailure::CacheTo { service: target.name.clone(), source: Box::new(source) }.into());
            }
            _ => {}
        }
    }
    Ok(())
}
