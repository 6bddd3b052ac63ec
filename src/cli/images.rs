//! Pulls images side by side, with their progress.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Instant;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use super::context::Context;
use super::error::CliError;
use super::output::StderrProgress;
use super::progress::{Amount, Event, Status};
use super::timings::{Kind, Stopwatch};
use crate::image::{Digest, PullError, PullEvent, Store, pull};
use crate::name::ImageReference;
use crate::supervisor::now;

/// Pulls `references` into `store` and returns what failed; one that fails does not keep the others from being pulled.
/// Must run in a `LocalSet`.
///
/// # Errors
/// [`CliError`] when the configuration of registries cannot be read.
pub(super) async fn pull_images<'a>(
    context: &Context,
    store: &Store,
    references: impl IntoIterator<Item = &'a ImageReference>,
    at_once: Option<usize>,
    progress: &mut StderrProgress,
    stopwatch: &Stopwatch,
) -> Result<Vec<PullError>, CliError> {
    let registries = Rc::new(context.registries()?);
    let store = Rc::new(store.clone());
    let (events, mut inbox) = mpsc::unbounded_channel();
    let mut pulls = JoinSet::new();
    let room = Rc::new(Semaphore::new(at_once.unwrap_or(Semaphore::MAX_PERMITS).min(Semaphore::MAX_PERMITS)));
    for reference in references {
        // What lies on this machine already is not pulled.
        let ImageReference::Registry(reference) = reference.clone() else { continue };
        let name = ImageReference::Registry(reference.clone()).to_string();
        progress.event(Event::new(id(&name), Status::Pulling), Instant::now())?;
        let (store, registries, events) = (Rc::clone(&store), Rc::clone(&registries), events.clone());
        let room = Rc::clone(&room);
        pulls.spawn_local(async move {
            // Never closed: it cannot fail.
            let _permit = room.acquire().await;
            let begun = now();
            // Unbounded: an event is a few bytes, and a pull must not wait for a terminal.
            let tell = |event| drop(events.send((name.clone(), event)));
            let outcome = pull(&store, &registries, &reference, tell).await;
            (name, begun, outcome)
        });
    }
    drop(events);
    let mut amounts: BTreeMap<String, Amounts> = BTreeMap::new();
    let mut failures = Vec::new();
    loop {
        tokio::select! {
            biased;
            Some((name, event)) = inbox.recv() => {
                if let Some(amount) = amounts.entry(name.clone()).or_default().count(event) {
                    let event = Event::new(id(&name), Status::Pulling);
                    progress.event(Event { amount: Some(amount), ..event }, Instant::now())?;
                }
            }
            joined = pulls.join_next() => {
                // A pull neither panics nor is aborted here; were it so, its image is found missing later.
                let Some(joined) = joined else { return Ok(failures) };
                let Ok((name, begun, outcome)) = joined else { continue };
                stopwatch.note(Kind::Pull, &format!("image {name}"), begun);
                let status = if outcome.is_ok() { Status::Pulled } else { Status::Error };
                progress.event(Event::new(id(&name), status), Instant::now())?;
                failures.extend(outcome.err());
            }
        }
    }
}

fn id(name: &str) -> String {
    format!("Image {name}")
}

/// The bytes of one image's layers: those that came, and all.
#[derive(Debug, Default)]
struct Amounts(BTreeMap<Digest, (u64, u64)>);

impl Amounts {
    /// Counts `event`; the sum when it changed.
    fn count(&mut self, event: PullEvent) -> Option<Amount> {
        match event {
            PullEvent::Layer { digest, size } => {
                self.0.insert(digest, (0, size));
            }
            PullEvent::Progress { digest, bytes } => self.0.get_mut(&digest)?.0 = bytes,
            PullEvent::Unpacked { digest } => {
                let (current, size) = self.0.get_mut(&digest)?;
                *current = *size;
            }
            PullEvent::Resolving | PullEvent::Exists { .. } | PullEvent::Done { .. } => return None,
        }
        let sum = |part: fn(&(u64, u64)) -> u64| self.0.values().map(part).sum();
        Some(Amount { current: sum(|(current, _)| *current), total: Some(sum(|(_, size)| *size)) })
    }
}
