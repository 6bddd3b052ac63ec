//! Finds what builds keep.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::SystemTime;

use super::{Item, Kind, Place};
use crate::build::cache::{Cache, Entry};
use crate::build::output::OutputError;
use crate::image::{Digest, Store, StoreError};

/// What builds keep.
#[derive(Debug, Default)]
pub struct Listed {
    /// In no order.
    pub items: Vec<Item>,
    /// Images that builds have made, which nothing names or uses.
    pub images: Vec<Digest>,
}

/// Finds what builds keep in `store` and `cache`. `used` are the ids of images that containers are made from; an image which was
/// made after `settled` counts as used: a container may be about to be made from it.
///
/// # Errors
/// [`OutputError`]. What is gone meanwhile is left out.
pub fn list(store: &Store, cache: &Cache, used: &BTreeSet<String>, settled: SystemTime) -> Result<Listed, OutputError> {
    let made = cache.made().map_err(OutputError::Cache)?;
    let mut listed = Listed::default();
    let mut shared = BTreeSet::new();
    for image in store.inventory()? {
        let is_kept = image.is_named || image.written > settled || !made.contains(&image.id);
        match is_kept || used.contains(&image.id.to_string()) {
            true => shared.extend(image.diff_ids),
            false => listed.images.push(image.id),
        }
    }
    let mut records: BTreeMap<Digest, Vec<Entry>> = BTreeMap::new();
    for entry in cache.entries().map_err(OutputError::Cache)? {
        if let Some(layer) = entry.record.layer {
            records.entry(layer).or_default().push(entry);
        }
    }
    for (layer, since) in store.layers()? {
        let entries = records.remove(&layer).unwrap_or_default();
        let is_shared = shared.contains(&layer);
        // A layer of an image that no build has made is none of theirs.
        if entries.is_empty() && is_shared {
            continue;
        }
        match store.layer_size(layer) {
            Ok(size) => listed.items.push(step(layer, entries, size, is_shared, since)),
            Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    mounts(cache, &mut listed.items).map_err(OutputError::Cache)?;
    sources(cache, &mut listed.items).map_err(OutputError::Cache)?;
    Ok(listed)
}

/// What a step has come to; or a layer that nothing leads to: of an image that is gone, of a build or a pull that was killed.
fn step(layer: Digest, entries: Vec<Entry>, size: u64, is_shared: bool, since: SystemTime) -> Item {
    let latest = entries.iter().max_by_key(|entry| entry.used);
    let name = latest.map_or_else(|| "(left over)".to_owned(), |entry| entry.record.name.clone());
    let created = entries.iter().map(|entry| SystemTime::from(entry.record.created)).max();
    Item {
        kind: Kind::Step,
        id: layer.hex(),
        name,
        size,
        is_shared,
        created: created.unwrap_or(since),
        used: latest.map_or(since, |entry| entry.used),
        place: Place::Layer(layer, entries),
    }
}

/// `mounts/<sha256 of the id>/<number>`, see `run::cache`.
fn mounts(cache: &Cache, items: &mut Vec<Item>) -> io::Result<()> {
    for home in fs_err::read_dir(cache.directory("mounts")?)? {
        let home = home?;
        let Ok(id) = fs_err::read_to_string(home.path().join("id")) else { continue };
        for entry in fs_err::read_dir(home.path())? {
            let entry = entry?;
            let Some(number) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            let key = home.file_name().to_string_lossy().chars().take(20).collect::<String>();
            // The lock is touched whenever the directory is taken.
            let used = home.path().join(format!("{number}.lock"));
            items.extend(directory(Kind::Mount, format!("{key}-{number}"), id.clone(), &entry.path(), Some(&used))?);
        }
    }
    Ok(())
}

/// `remote/<kind>/<key>`, see `remote::Cache`.
fn sources(cache: &Cache, items: &mut Vec<Item>) -> io::Result<()> {
    for kind in fs_err::read_dir(cache.directory("remote")?)? {
        let kind = kind?;
        let name = kind.file_name().to_string_lossy().into_owned();
        // What is under way, or was left: whoever comes next there clears it up.
        if name == "staging" || !kind.file_type()?.is_dir() {
            continue;
        }
        for entry in fs_err::read_dir(kind.path())? {
            let entry = entry?;
            let key = entry.file_name().to_string_lossy().into_owned();
            items.extend(directory(Kind::Source, key.clone(), format!("{name}/{key}"), &entry.path(), None)?);
        }
    }
    Ok(())
}

/// A directory or file that is kept; `None` when it has gone meanwhile. `touched` has the time of its last use.
fn directory(kind: Kind, id: String, name: String, path: &Path, touched: Option<&Path>) -> io::Result<Option<Item>> {
    let measured = fs_err::symlink_metadata(path).and_then(|metadata| Ok((metadata.modified()?, size_of(path)?)));
    let (created, size) = match measured {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        measured => measured?,
    };
    let used = touched.and_then(|path| fs_err::metadata(path).and_then(|metadata| metadata.modified()).ok());
    let used = used.unwrap_or(created);
    let place = Place::Directory(path.to_owned());
    Ok(Some(Item { kind, id, name, size, is_shared: false, created, used, place }))
}

/// What a file, or all below a directory, takes on disk, in bytes.
fn size_of(path: &Path) -> io::Result<u64> {
    let metadata = fs_err::symlink_metadata(path)?;
    let mut size = metadata.blocks() * 512;
    if metadata.is_dir() {
        for entry in fs_err::read_dir(path)? {
            size += size_of(&entry?.path())?;
        }
    }
    Ok(size)
}
