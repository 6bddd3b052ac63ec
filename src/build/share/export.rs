//! What this machine has made, for others.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;

use super::Imported;
use super::document::{Document, MEDIA_TYPE};
use crate::build::cache::Record;
use crate::build::graph::Planned;
use crate::image::{Depot, DepotError, Digest, SmallBlob, Store};

/// Writes `records`, by their keys, to `depot`, with their layers: all that are in `store` or there already, or with `only` those
/// among them.
/// `pack` writes a layer as an archive.
///
/// Needs a tokio runtime with IO and time.
///
/// # Errors
/// [`DepotError`].
pub async fn export(
    depot: &Depot,
    store: &Store,
    records: Vec<(Digest, Record)>,
    only: Option<&[Digest]>,
    pack: impl Fn(&Path, &mut dyn Write) -> io::Result<()> + Send + Clone + 'static,
) -> Result<(), DepotError> {
    let document = Document::new(records);
    let made = document.records.iter().filter_map(|shared| shared.record.layer);
    let layers: BTreeSet<Digest> = made.filter(|layer| only.is_none_or(|only| only.contains(layer))).collect();
    let layers: Vec<Digest> = layers.into_iter().collect();
    // What cannot be read is written anew.
    let known = depot.read(None).await.ok().flatten();
    let known = known.and_then(|parcel| {
        let layers = Document::read(&parcel.media_type, &parcel.config)?.layers;
        Some((parcel, layers))
    });
    let config = |written: &[Digest]| {
        let bytes = Document { layers: written.to_owned(), ..document }.value().to_string().into_bytes();
        SmallBlob { media_type: MEDIA_TYPE.to_owned(), bytes, annotations: Vec::new() }
    };
    let known = known.as_ref().map(|(parcel, layers)| (parcel, &layers[..]));
    depot.write(config, &layers, known, store, pack).await
}

/// Brings the layers of `records` that are with others into `store`, to pass them on. Blocks.
///
/// # Errors
/// [`DepotError`].
pub fn bring_all(imported: &Imported, store: &Store, records: &[(Digest, Record)]) -> Result<(), DepotError> {
    for layer in records.iter().filter_map(|(_, record)| record.layer) {
        if store.layer(layer).is_none() {
            imported.bring(layer, store)?;
        }
    }
    Ok(())
}

/// The image `planned` with `records` in its configuration.
#[must_use]
pub fn with_inline(planned: &Planned, records: Vec<(Digest, Record)>) -> Planned {
    // What steps are called depends on what else is built.
    let nameless = |(key, record): (Digest, Record)| (key, Record { name: String::new(), ..record });
    let mut planned = planned.clone();
    planned.blueprint.cache = Some(Document::new(records.into_iter().map(nameless).collect()).value());
    planned
}
