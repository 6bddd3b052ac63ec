//! What steps are known by, and what was made for that before.

use std::path::PathBuf;
use std::sync::PoisonError;

use super::snapshot::Snapshot;
use super::{Solver, StepError, keys, make, select};
use crate::build::cache::Record;
use crate::build::copy::{self, Selection};
use crate::build::graph::{Base, Input, Operation, RunStep};
use crate::build::key::KeyMaker;
use crate::image::Digest;

impl Solver<'_> {
    /// What a step has come to, if that is known and there.
    pub(super) fn find(&self, operation: &Operation, inputs: &[Snapshot]) -> Result<Option<Snapshot>, StepError> {
        if let Some(snapshot) = self.given(operation)? {
            return Ok(Some(snapshot));
        }
        let mut keys = Vec::from_iter(self.quick_key(operation, inputs));
        if let Some(snapshot) = self.known(&keys, inputs)? {
            return Ok(Some(snapshot));
        }
        let parts = self.parts(operation, inputs)?;
        keys.push(self.key(operation, inputs, &mut select(&parts)?)?);
        self.known(&keys, inputs)
    }

    /// What a step begins with that makes nothing.
    pub(super) fn given(&self, operation: &Operation) -> Result<Option<Snapshot>, StepError> {
        let Operation::From(base) = operation else { return Ok(None) };
        let snapshot = match base {
            Base::Scratch => Snapshot::empty(),
            Base::Layers { rootfs, diff_ids } => {
                Snapshot { rootfs: rootfs.clone(), diff_ids: diff_ids.clone(), added: None }
            }
            Base::Tree(_) => return Ok(None),
        };
        match snapshot.is_whole(self.builder.store) {
            true => Ok(Some(snapshot)),
            false => Err(StepError::LayerGone),
        }
    }

    /// What is known by one of these keys, from then on by those before it too.
    pub(super) fn known(&self, keys: &[Digest], inputs: &[Snapshot]) -> Result<Option<Snapshot>, StepError> {
        let base = inputs.first().cloned().unwrap_or_else(Snapshot::empty);
        for (index, key) in keys.iter().enumerate() {
            if let Some((snapshot, record)) = self.known_as(*key, &base) {
                for key in &keys[..index] {
                    self.builder.cache.put(*key, &record).map_err(StepError::Cache)?;
                }
                return Ok(Some(snapshot));
            }
        }
        Ok(None)
    }

    /// What this machine or another one has made for `key` over `base`, as long as its files are to be had.
    fn known_as(&self, key: Digest, base: &Snapshot) -> Option<(Snapshot, Record)> {
        let snapshot = |record: &Record| Some(base.with(record.layer?, record.created));
        if let Some(record) = self.builder.cache.get(key)
            && let Some(snapshot) = snapshot(&record)
            && snapshot.diff_ids.iter().all(|layer| self.is_to_be_had(*layer))
        {
            return Some((snapshot, record));
        }
        let record = self.builder.imported.get(key)?.clone();
        let snapshot = snapshot(&record)?;
        if !self.is_lazy && !snapshot.diff_ids.iter().all(|layer| self.is_to_be_had(*layer)) {
            return None;
        }
        self.found.lock().unwrap_or_else(PoisonError::into_inner).push((key, record.clone()));
        Some((snapshot, record))
    }

    fn is_to_be_had(&self, layer: Digest) -> bool {
        self.builder.store.layer(layer).is_some() || self.builder.imported.has(layer)
    }

    /// Brings the layers of `snapshot` that others have.
    pub(super) fn bring(&self, snapshot: &Snapshot) -> Result<(), StepError> {
        for layer in &snapshot.diff_ids {
            if self.builder.store.layer(*layer).is_none() && !self.builder.imported.bring(*layer, self.builder.store)? {
                return Err(StepError::LayerGone);
            }
        }
        Ok(())
    }

    /// The directories of `snapshot`, lowest first, whose layers are brought if others have them.
    pub(super) fn directories(&self, snapshot: &Snapshot) -> Result<Vec<PathBuf>, StepError> {
        self.bring(snapshot)?;
        Ok(snapshot.directories(self.builder.store)?)
    }

    /// Keeps what others have made and was brought.
    pub(super) fn keep_found(&self) -> std::io::Result<()> {
        for (key, record) in self.found.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            if record.layer.is_some_and(|layer| self.builder.store.layer(layer).is_some()) {
                self.builder.cache.put(key, &record)?;
            }
        }
        Ok(())
    }

    /// All that a step is kept under, the one that counts most last.
    pub(super) fn keys(&self, operation: &Operation, inputs: &[Snapshot]) -> Result<Vec<Digest>, StepError> {
        let parts = self.parts(operation, inputs)?;
        let key = self.key(operation, inputs, &mut select(&parts)?)?;
        Ok(self.quick_key(operation, inputs).into_iter().chain([key]).collect())
    }

    /// The key of the whole of what is copied from, which needs no look at its files.
    pub(super) fn quick_key(&self, operation: &Operation, inputs: &[Snapshot]) -> Option<Digest> {
        let Operation::Copy(copy) = operation else { return None };
        let Some(Input::Step(_)) = copy.from else { return None };
        let over = make::over(copy, &inputs[0]);
        Some(keys::copy_of(copy, over, &inputs[1]))
    }

    /// The key of a step, which counts most; `selections` are what it copies.
    pub(super) fn key(
        &self,
        operation: &Operation,
        inputs: &[Snapshot],
        selections: &mut [Selection<'_>],
    ) -> Result<Digest, StepError> {
        let contents = selections.iter_mut().map(Selection::digest).collect::<Result<Vec<_>, _>>()?;
        Ok(match operation {
            Operation::From(_) => {
                contents.into_iter().fold(KeyMaker::new("tree"), |key, tree| key.with_digest("content", tree)).finish()
            }
            Operation::Workdir { path, user, epoch, .. } => keys::workdir(&inputs[0], path, user, *epoch),
            Operation::Run(run) => keys::run(run, &inputs[0], &self.mounted(run, inputs)?),
            Operation::Copy(copy) => {
                let content =
                    contents.into_iter().fold(KeyMaker::new("content"), |key, part| key.with_digest("part", part));
                keys::copy(copy, make::over(copy, &inputs[0]), content.finish())
            }
        })
    }

    /// The keys of what a program mounts.
    fn mounted(&self, run: &RunStep, inputs: &[Snapshot]) -> Result<Vec<Option<Digest>>, StepError> {
        let mut steps = inputs[1..].iter();
        let mut keys = Vec::new();
        for (mount, from) in &run.mounts {
            keys.push(match from {
                None => None,
                Some(Input::Step(_)) => steps.next().map(Snapshot::key),
                Some(Input::Tree(tree)) => Some(copy::checksum(&make::part(mount), &self.trees[*tree])?),
            });
        }
        Ok(keys)
    }
}
