//! From what the steps have come to, to images with names.

use std::io;

use jiff::Timestamp;

use super::cache::{Cache, Record};
use super::graph::Planned;
use super::key::KeyMaker;
use super::solve::Snapshot;
use crate::image::{Blueprint, Digest, Store, StoreError};
use crate::name::RegistryReference;

/// Why an image cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The cache.
    #[error("cannot use the build cache")]
    Cache(#[source] io::Error),
}

/// Writes the image `planned`, whose steps have come to `snapshots`, and lets each of `names` name it. Returns its id.
///
/// An image of the same files and configuration is the same image, however often it is built: it was made when its last layer
/// was, or at `epoch`.
///
/// # Errors
/// [`OutputError`].
pub fn write(
    store: &Store,
    cache: &Cache,
    planned: &Planned,
    snapshots: &[Snapshot],
    names: &[RegistryReference],
    epoch: Option<Timestamp>,
) -> Result<Digest, OutputError> {
    let blueprint = whole(cache, planned, snapshots, epoch)?;
    // Noted first: one that nobody knows a build has made would stay for ever.
    cache.note_made(Digest::of(blueprint.document().as_bytes())).map_err(OutputError::Cache)?;
    Ok(store.add_blueprint(&blueprint, names)?)
}

/// The id that the image would have.
///
/// # Errors
/// [`OutputError`].
pub fn id(
    cache: &Cache,
    planned: &Planned,
    snapshots: &[Snapshot],
    epoch: Option<Timestamp>,
) -> Result<Digest, OutputError> {
    Ok(Digest::of(whole(cache, planned, snapshots, epoch)?.document().as_bytes()))
}

fn whole(
    cache: &Cache,
    planned: &Planned,
    snapshots: &[Snapshot],
    epoch: Option<Timestamp>,
) -> Result<Blueprint, OutputError> {
    let mut blueprint = planned.blueprint.clone();
    let last = &snapshots[planned.step];
    blueprint.rootfs.clone_from(&last.rootfs);
    blueprint.diff_ids.clone_from(&last.diff_ids);
    let of_base = blueprint.history.len();
    let made = planned.history.iter().filter_map(|(_, step)| snapshots[(*step)?].added.map(|(_, created)| created));
    let begun = match made.min().or(blueprint.created).or(epoch) {
        Some(begun) => begun,
        None => first_made(cache, &blueprint)?,
    };
    let mut now = blueprint.created.filter(|_| of_base > 0).unwrap_or(begun);
    blueprint.history.clear();
    for (index, (entry, step)) in planned.history.iter().enumerate() {
        let mut entry = entry.clone();
        if let Some((_, created)) = step.and_then(|step| snapshots[step].added) {
            now = created;
        }
        // Steps of the base have their own time, or none.
        if index >= of_base {
            entry.created = Some(epoch.unwrap_or(now));
        }
        blueprint.history.push(entry);
    }
    blueprint.created = Some(epoch.unwrap_or(now));
    Ok(blueprint)
}

/// When an image without any layer of its own was made first: nothing else tells.
fn first_made(cache: &Cache, blueprint: &Blueprint) -> Result<Timestamp, OutputError> {
    let key = KeyMaker::new("image").with("document", blueprint.document()).finish();
    if let Some(record) = cache.get(key) {
        return Ok(record.created);
    }
    let record = Record { layer: None, created: Timestamp::now(), name: "image".to_owned() };
    cache.put(key, &record).map_err(OutputError::Cache)?;
    Ok(record.created)
}
