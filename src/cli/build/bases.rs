//! The images that builds begin with.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use super::{BuildFailure, BuildOptions, Prepared, open_cache, quieted};
use crate::build::{self, Bases, Graph, Unplanned, Wanted};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::images::pull_images;
use crate::cli::output;
use crate::cli::progress::{Event as Shown, Status};
use crate::cli::timings::Stopwatch;
use crate::image::{Blueprint, Depot, PullError, Store, StoreError};
use crate::name::ImageReference;

/// Makes the graph, pulling base images until all are known.
pub(super) async fn plan(
    context: &Context,
    store: &Store,
    prepared: &Prepared,
    options: &BuildOptions,
) -> Result<Graph, CliError> {
    let mut bases = Bases::new(build::emulated());
    let mut asked = BTreeSet::new();
    loop {
        let missing = match build::lower(&prepared.targets, &prepared.files, &bases) {
            Ok(graph) => return Ok(graph),
            Err(Unplanned::Missing(missing)) => missing,
            Err(other) => return Err(unplanned(prepared, other)),
        };
        let mut to_pull = Vec::new();
        for ((reference, platform), wanted) in &missing {
            if let Some(platform) = platform {
                let blueprint = foreign(context, store, reference, platform, wanted, options).await?;
                bases.add((reference.clone(), Some(platform.clone())), blueprint);
                continue;
            }
            let is_here = match store.lookup(reference)? {
                Some(image) if !options.pull => {
                    store.blueprint(&image)?.map(|found| bases.add((reference.clone(), None), found))
                }
                _ => None,
            };
            if is_here.is_none() {
                to_pull.push(reference);
            }
        }
        if to_pull.is_empty() {
            continue;
        }
        let mut progress = output::progress(&quieted(context, options), "pull");
        let failures =
            pull_images(context, store, to_pull.iter().copied(), None, &mut progress, &Stopwatch::start()).await?;
        progress.finish(Instant::now())?;
        for reference in &to_pull {
            let name = ((*reference).clone(), None);
            let known = match store.lookup(reference)? {
                Some(image) if failures.is_empty() => store.blueprint(&image)?,
                _ => None,
            };
            match known {
                Some(blueprint) if asked.insert(name.clone()) => bases.add(name, blueprint),
                _ => return Err(not_pulled(reference, &missing[&name], failures)),
            }
        }
    }
}

/// An image for another machine: as it was when it was brought last, or anew with `--pull`.
async fn foreign(
    context: &Context,
    store: &Store,
    reference: &ImageReference,
    platform: &str,
    wanted: &Wanted,
    options: &BuildOptions,
) -> Result<Blueprint, CliError> {
    let cache = open_cache(context)?;
    let known = cache.base(reference, platform).filter(|_| !options.pull);
    if let Some(known) = known.filter(|known| known.diff_ids.iter().all(|layer| store.layer(*layer).is_some())) {
        return Ok(known);
    }
    let failed = |source| BuildFailure::ForeignBase {
        image: reference.to_string(),
        platform: platform.to_owned(),
        span: Box::new(wanted.span.clone()),
        source: Box::new(source),
    };
    let ImageReference::Registry(of_registry) = reference else {
        return Err(CliError::Store(StoreError::Gone { reference: reference.to_string() }));
    };
    let mut progress = output::progress(&quieted(context, options), "pull");
    let id = format!("Image {reference} ({platform})");
    progress.event(Shown::new(&id, Status::Pulling), Instant::now())?;
    let mut failure = None;
    for depot in Depot::everywhere(&Arc::new(context.registries()?), of_registry) {
        match depot.load(store, Some(platform)).await {
            Ok(Some(blueprint)) => {
                progress.event(Shown::new(&id, Status::Pulled), Instant::now())?;
                progress.finish(Instant::now())?;
                cache.put_base(reference, platform, &blueprint)?;
                return Ok(blueprint);
            }
            // What the registry itself says counts.
            Ok(None) => failure = Some(depot.missing()),
            Err(error) => failure = Some(error),
        }
    }
    progress.event(Shown::new(&id, Status::Error), Instant::now())?;
    progress.finish(Instant::now())?;
    Err(failed(failure.expect("a registry is asked")).into())
}

/// Why an image that is needed is not there.
fn not_pulled(reference: &ImageReference, wanted: &Wanted, failures: Vec<PullError>) -> CliError {
    match failures.into_iter().next() {
        Some(source) => {
            let (image, source, span) = (reference.to_string(), Box::new(source), Box::new(wanted.span.clone()));
            BuildFailure::Base { image, source, span, help: wanted.help.clone() }.into()
        }
        // It was there a moment ago.
        None => CliError::Store(StoreError::Gone { reference: reference.to_string() }),
    }
}

fn unplanned(prepared: &Prepared, unplanned: Unplanned) -> CliError {
    let name = |target: usize| prepared.targets[target].name.clone();
    match unplanned {
        Unplanned::Mistake { mistake, .. } => BuildFailure::Mistakes { mistakes: vec![*mistake] }.into(),
        Unplanned::NoTarget { target, wanted } => BuildFailure::NotATarget { service: name(target), wanted }.into(),
        Unplanned::Circle { target } => BuildFailure::Circle { service: name(target) }.into(),
        Unplanned::Missing(_) => CliError::Interrupted,
    }
}
