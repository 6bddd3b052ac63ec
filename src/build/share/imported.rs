//! What other machines have made.

use std::collections::{BTreeMap, BTreeSet};

use super::document::Document;
use crate::build::cache::Record;
use crate::image::{Depot, DepotError, Digest, Parcel, Store};

/// Records of other machines, and where their layers are to be had.
#[derive(Debug, Default)]
pub struct Imported {
    records: BTreeMap<Digest, Record>,
    layers: BTreeMap<Digest, (usize, usize)>,
    sources: Vec<(Depot, Parcel)>,
}

impl Imported {
    /// Reads what there is at `depots`; the first that has a record counts. Says of which nothing was to be had, and why.
    ///
    /// Needs a tokio runtime with IO and time.
    pub async fn read(depots: Vec<Depot>) -> (Self, Vec<String>) {
        let (mut imported, mut failures) = (Self::default(), Vec::new());
        for depot in depots {
            match depot.read(None).await {
                Ok(Some(parcel)) => match Document::read(&parcel.media_type, &parcel.config) {
                    Some(document) => imported.add(depot, parcel, document),
                    None => failures.push(format!("there is no cache in `{depot}`")),
                },
                Ok(None) => failures.push(format!("there is no cache `{depot}`")),
                Err(error) => failures.push(format!("there is no cache to be had: {}", chain(&error))),
            }
        }
        (imported, failures)
    }

    fn add(&mut self, depot: Depot, parcel: Parcel, document: Document) {
        let source = self.sources.len();
        for (number, layer) in document.layers.iter().enumerate().take(parcel.layers()) {
            self.layers.entry(*layer).or_insert((source, number));
        }
        for shared in document.records {
            self.records.entry(shared.key).or_insert(shared.record);
        }
        self.sources.push((depot, parcel));
    }

    /// What the step with this key has made.
    pub(in crate::build) fn get(&self, key: Digest) -> Option<&Record> {
        self.records.get(&key)
    }

    /// The keys of all steps that have made `layer`.
    pub(in crate::build) fn keys_of(&self, layer: Digest) -> impl Iterator<Item = Digest> {
        let of_it = move |(_, record): &(&Digest, &Record)| record.layer == Some(layer);
        self.records.iter().filter(of_it).map(|(key, _)| *key)
    }

    /// Whether a layer is to be had.
    pub(in crate::build) fn has(&self, layer: Digest) -> bool {
        self.layers.contains_key(&layer)
    }

    /// Whether there are records of layers that are not to be had.
    pub(in crate::build) fn is_partial(&self) -> bool {
        let made: BTreeSet<Digest> = self.records.values().filter_map(|record| record.layer).collect();
        made.iter().any(|layer| !self.has(*layer))
    }

    /// Brings a layer into `store`; false if it is not to be had. Blocks.
    ///
    /// # Errors
    /// [`DepotError`].
    pub(in crate::build) fn bring(&self, layer: Digest, store: &Store) -> Result<bool, DepotError> {
        let Some((source, number)) = self.layers.get(&layer) else { return Ok(false) };
        let (depot, parcel) = &self.sources[*source];
        let failed = |source| DepotError::Directory { place: depot.to_string(), source };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        runtime.block_on(depot.bring(parcel, *number, layer, store)).map(|()| true)
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| (**cause).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
