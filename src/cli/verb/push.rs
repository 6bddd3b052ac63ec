//! `rcompose push`.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use crate::cli::args::PushArgs;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::interrupt::interruptible;
use crate::cli::output;
use crate::cli::progress::{Amount, Event, ProgressMode, Status};
use crate::cli::select::select_with;
use crate::compose::model::Service;
use crate::image::{PushError, PushEvent, Store, push};
use crate::name::{ImageReference, ProjectName, RegistryReference, ServiceName};
use crate::runtime::files::{InPlace, pack_layer};

pub(in crate::cli) async fn run(context: &mut Context, args: PushArgs) -> Result<ExitCode, CliError> {
    context.require_root()?;
    let project = context.load(&args.services)?;
    let services = select_with(&project, &args.services, args.include_deps)?;
    if args.quiet {
        context.globals.progress = Some(ProgressMode::Quiet);
    }
    let failures = interruptible(push_all(context, &project.name, &services)).await?;
    match failures.into_iter().next() {
        Some(failure) if !args.ignore_push_failures => Err(CliError::Push(failure)),
        Some(failure) => {
            output::warn(output::paint(&context.globals), &failure.to_string());
            Ok(ExitCode::SUCCESS)
        }
        None => Ok(ExitCode::SUCCESS),
    }
}

/// Pushes the images of `services` that are built, under all of their names; the others are somebody else's. Returns what
/// failed.
pub(super) async fn push_all(
    context: &Context,
    project: &ProjectName,
    services: &BTreeMap<&ServiceName, &Service>,
) -> Result<Vec<PushError>, CliError> {
    let mut progress = output::progress(&context.globals, "push");
    let (store, registries) = (Store::open(&context.layout.images())?, context.registries()?);
    let mut references: BTreeSet<RegistryReference> = BTreeSet::new();
    for (name, service) in services {
        // Without `image`, a name that is good on this machine alone.
        let is_named = service.image.to_string() != format!("{project}-{name}");
        match &service.build {
            Some(build) if is_named => {
                references.extend(registry(service.image.clone()));
                for tag in &build.tags {
                    references.extend(registry(ImageReference::parse(tag)?));
                }
            }
            _ => progress.event(Event::new(format!("Service {name}"), Status::Skipped), Instant::now())?,
        }
    }
    let mut failures = Vec::new();
    for reference in &references {
        let id = format!("Image {reference}");
        progress.event(Event::new(&id, Status::Pushing), Instant::now())?;
        if context.globals.dry_run {
            progress.event(Event::new(&id, Status::Pushed), Instant::now())?;
            continue;
        }
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        // Unbounded: an event is a few bytes, and a push must not wait for a terminal.
        let pushing = push(&store, &registries, reference, pack, |event| {
            // Nobody listens when the push was given up.
            let _ = tell.send(event);
        });
        tokio::pin!(pushing);
        let mut amounts: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        let pushed = loop {
            tokio::select! {
                pushed = &mut pushing => break pushed,
                Some(PushEvent::Layer { digest, sent, size }) = told.recv() => {
                    amounts.insert(digest.to_string(), (sent, size));
                    let sum = |part: fn(&(u64, u64)) -> u64| amounts.values().map(part).sum();
                    let amount = Amount { current: sum(|(sent, _)| *sent), total: Some(sum(|(_, size)| *size)) };
                    let event = Event::new(&id, Status::Pushing);
                    progress.event(Event { amount: Some(amount), ..event }, Instant::now())?;
                }
            }
        };
        let status = if pushed.is_ok() { Status::Pushed } else { Status::Error };
        progress.event(Event::new(&id, status), Instant::now())?;
        failures.extend(pushed.err());
    }
    progress.finish(Instant::now())?;
    Ok(failures)
}

fn registry(image: ImageReference) -> Option<RegistryReference> {
    match image {
        ImageReference::Registry(reference) => Some(reference),
        ImageReference::Rootfs(_) => None,
    }
}

/// A layer of the store as an archive.
pub(in crate::cli) fn pack(layer: &Path, out: &mut dyn io::Write) -> io::Result<()> {
    pack_layer(layer, &mut InPlace, out).map_err(io::Error::other)
}
