//! Builds the images of services, with their progress.
//!
//! ```text
//! services ─▶ targets ─▶ Dockerfiles ─▶ graph ─┬▶ base images pulled, and once more
//!             lower      parse                 └▶ solve (threads) ─▶ events ─▶ view
//!                                                   └▶ images, with their names
//! ```

mod bake;
mod bases;
mod changed;
mod check;
mod disk;
mod error;
mod failure;
mod lower;
mod plain;
mod settings;
mod shared;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;

pub(super) use bake::file as bake_file;
pub(super) use changed::changed;
pub(super) use check::check_services;
pub(super) use disk::{Disk, SETTLED};
pub use error::BuildFailure;
use failure::StepFailure;
pub(super) use lower::BuildOptions;
pub(super) use settings::BuildSettings;

use super::context::Context;
use super::error::CliError;
use super::output;
use super::progress::{Event as Shown, ProgressMode, Status};
use crate::build::dockerfile::{self, Dockerfile};
use crate::build::remote::{self, RemoteContext, fetch_context};
use crate::build::run::Cancel;
use crate::build::share::Imported;
use crate::build::{self, Builder, Cache, Event, Graph, NamedContext, Snapshot, SolveError, Target};
use crate::compose::model::Project;
use crate::image::{Blueprint, Depot, Store};
use crate::name::ServiceName;
use crate::supervisor::{BuildNetwork, device_nodes};
use bases::plan;
use lower::Lowering;
use shared::Made;
use view::View;

/// As many steps as are worked on at once even by a single processor: most of them wait for something.
const LEAST_WORKERS: usize = 4;

/// What is to be built, read and understood.
#[derive(Debug)]
pub(super) struct Prepared {
    targets: Vec<Target>,
    files: Vec<Dockerfile>,
}

/// Reads what `services` are built from, and what their builds need of other services.
///
/// # Errors
/// [`CliError::Build`].
pub(super) fn prepare(
    context: &Context,
    project: &Project,
    services: &[ServiceName],
    options: &BuildOptions,
    fetched: &Fetched,
) -> Result<Prepared, CliError> {
    let lowering = Lowering { project, options, environment: &context.environment, fetched };
    let mut targets: Vec<Target> = Vec::new();
    let mut waiting: Vec<ServiceName> = services.iter().rev().cloned().collect();
    let mut seen = BTreeSet::new();
    while let Some(name) = waiting.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        let (target, notes) = lowering.target(&name)?;
        if !options.quiet {
            notes.iter().for_each(|note| output::note(note));
        }
        for needed in target.contexts.values() {
            if let NamedContext::Target(needed) = needed
                && let Ok(needed) = ServiceName::new(needed)
            {
                waiting.push(needed);
            }
        }
        targets.push(target);
    }
    let mut mistakes = Vec::new();
    let mut files = Vec::new();
    for target in &targets {
        match dockerfile::parse(&target.text, &target.dockerfile) {
            Ok(file) => files.push(file),
            Err(found) => mistakes.extend(found),
        }
    }
    if mistakes.is_empty() { Ok(Prepared { targets, files }) } else { Err(BuildFailure::Mistakes { mistakes }.into()) }
}

/// Builds `services`.
///
/// # Errors
/// [`CliError`]. What was built before stays in the cache.
pub(super) async fn build_services(
    context: &Context,
    project: &Project,
    services: &[ServiceName],
    options: &BuildOptions,
) -> Result<(), CliError> {
    let store = Store::open(&context.layout.images())?;
    // Nobody removes what is found or made from here on.
    let hold = store.hold()?;
    let fetched = fetch(context, project, services, &open_cache(context)?).await?;
    let prepared = prepare(context, project, services, options, &fetched)?;
    check::forbidden(&store, &prepared)?;
    store.clear_abandoned();
    let settings = context.build_settings()?;
    let graph = plan(context, &store, &prepared, options).await?;
    if !options.quiet {
        graph.warnings.iter().for_each(|warning| output::warn(output::paint(&context.globals), warning));
    }
    let imported = shared::import(context, &prepared.targets, options.quiet).await?;
    let (graph, prepared) = (Arc::new(graph), Arc::new(prepared));
    let Solved { cache, snapshots, made, has_made } =
        run(context, &store, &graph, &prepared, imported, options).await?;
    let mut progress = output::progress(&quieted(context, options), "build");
    for (made, target) in made.iter().zip(&prepared.targets) {
        let planned = &made.planned;
        build::write(&store, &cache, planned, &snapshots, &target.names, target.epoch).map_err(BuildFailure::from)?;
        shared::export(context, &store, target, made, &snapshots[planned.step].diff_ids, &mut progress).await?;
        for name in &target.names {
            progress.event(Shown::new(format!("Image {name}"), Status::Built), Instant::now())?;
        }
    }
    progress.finish(Instant::now())?;
    if !options.quiet {
        check::tell(context, &store, &prepared);
    }
    drop(hold);
    if has_made {
        Disk::new(context, store, cache).collect(&settings)?;
    }
    Ok(())
}

/// What a build has come to.
struct Solved {
    cache: Cache,
    snapshots: Vec<Snapshot>,
    /// The images, in the order of the targets.
    made: Vec<Made>,
    /// Not all of it was there before.
    has_made: bool,
}

/// What lies elsewhere, by what the file calls it, as it was brought here.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    contexts: BTreeMap<String, RemoteContext>,
    /// Images of directories in the layout of OCI.
    images: BTreeMap<String, Blueprint>,
}

/// What a service is built from besides its Dockerfile, as the file has it.
fn contexts<'a>(project: &'a Project, service: &str) -> impl Iterator<Item = &'a String> {
    let build = project.services.get(service).and_then(|service| service.build.as_ref());
    build.into_iter().flat_map(|build| build.context.iter().chain(build.additional_contexts.values()))
}

/// Brings the contexts of `services` that are no directories of this machine.
async fn fetch(
    context: &Context,
    project: &Project,
    services: &[ServiceName],
    cache: &Cache,
) -> Result<Fetched, CliError> {
    let store = Store::open(&context.layout.images())?;
    let cache = remote::Cache::at(cache.directory("remote")?);
    let mut fetched = Fetched::default();
    let mut addresses: Vec<&String> = services.iter().flat_map(|name| contexts(project, name.as_str())).collect();
    while let Some(address) = addresses.pop() {
        if let Some(other) = address.strip_prefix("service:") {
            addresses.extend(contexts(project, other));
        }
        let is_local =
            address.starts_with('/') || address.starts_with("service:") || address.starts_with("docker-image:");
        if is_local || fetched.contexts.contains_key(address) || fetched.images.contains_key(address) {
            continue;
        }
        if let Some(layout) = address.strip_prefix("oci-layout://") {
            let loaded =
                layout_of(layout, &project.working_dir).load(&store, None).await.map_err(BuildFailure::from)?;
            fetched.images.extend(loaded.map(|blueprint| (address.clone(), blueprint)));
            continue;
        }
        let found = fetch_context(address, &cache, &context.environment, &|| false).await;
        if let Some(found) = found.map_err(BuildFailure::from)? {
            fetched.contexts.insert(address.clone(), found);
        }
    }
    Ok(fetched)
}

/// `DIR`, `DIR:TAG` or `DIR@DIGEST`, from `directory`.
fn layout_of(text: &str, directory: &Path) -> Depot {
    let (path, name) = match text.split_once('@') {
        Some((path, digest)) => (path, Some(digest)),
        None => match text.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
            _ => (text, None),
        },
    };
    Depot::directory(directory.join(path), name.map(str::to_owned))
}

pub(super) fn open_cache(context: &Context) -> Result<Cache, CliError> {
    Ok(Cache::open(&context.layout.images().join("build"))?)
}

fn quieted(context: &Context, options: &BuildOptions) -> super::args::Globals {
    let mut globals = context.globals.clone();
    if options.quiet {
        globals.progress = Some(ProgressMode::Quiet);
    }
    globals
}

/// Carries the graph out in threads of its own, and shows what they tell.
async fn run(
    context: &Context,
    store: &Store,
    graph: &Arc<Graph>,
    prepared: &Arc<Prepared>,
    imported: Imported,
    options: &BuildOptions,
) -> Result<Solved, CliError> {
    let cache = open_cache(context)?;
    let run = context.layout.run().join("build");
    build::make_run_directory(&run)?;
    let (tell, mut told) = mpsc::unbounded_channel::<Event>();
    let cancel = Cancel::new()?;
    let _given_up = GivenUp(cancel.clone());
    let solving = {
        let (store, cache, graph, prepared) = (store.clone(), cache.clone(), Arc::clone(graph), Arc::clone(prepared));
        let environment = context.environment.clone();
        let hidden = vec![context.layout.root().to_owned(), context.layout.run().to_owned()];
        let network = BuildNetwork::new(&context.layout, context.network_settings()?.address_pools, &run);
        tokio::task::spawn_blocking(move || {
            let builder = Builder {
                store: &store,
                cache: &cache,
                imported: &imported,
                run: &run,
                network: network.as_network(),
                hidden: &hidden,
                devices: device_nodes,
                workers: workers(),
                environment: &environment,
                cancel: &cancel,
            };
            // Unbounded: a step must not wait for a terminal. Nobody listens when the build was given up.
            let solved = build::solve(&builder, &graph, &|event| drop(tell.send(event)));
            let solved = solved.and_then(|snapshots| {
                let targets = prepared.targets.iter().enumerate();
                let made = targets.map(|(image, target)| shared::made(&builder, &graph, &snapshots, image, target));
                let made = made.collect::<Result<Vec<_>, _>>()?;
                Ok((snapshots, made))
            });
            drop(network);
            // Unless another build has something in it.
            let _ = fs_err::remove_dir(&run);
            solved
        })
    };
    tokio::pin!(solving);
    let mut view = View::new(context, options.quiet);
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(100));
    let solved = loop {
        tokio::select! {
            biased;
            Some(event) = told.recv() => view.event(&event)?,
            solved = &mut solving => break solved,
            _ = ticks.tick() => view.tick()?,
        }
    };
    while let Ok(event) = told.try_recv() {
        view.event(&event)?;
    }
    let has_made = view.has_made();
    let written = view.finish()?;
    match solved.expect("solving does not panic") {
        Ok((snapshots, made)) => Ok(Solved { cache, snapshots, made, has_made }),
        Err(SolveError::Step { step, source }) => {
            Err(BuildFailure::Step(Box::new(StepFailure::new(&graph.steps[step], step, written, *source))).into())
        }
        Err(error) => Err(BuildFailure::from(error).into()),
    }
}

/// Gives the build up when it is dropped: when the user has interrupted it.
struct GivenUp(Cancel);

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

fn workers() -> NonZeroUsize {
    let processors = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    NonZeroUsize::new(processors.max(LEAST_WORKERS)).expect("it is not less than a number above zero")
}
