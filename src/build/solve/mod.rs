//! Carries out a graph: finds what was made before, and makes the rest.
//!
//! ```text
//! step ─▶ key ─▶ cache ─┬▶ its layer ───────────────────────────────┬▶ Snapshot ─▶ steps over it
//!                       └▶ lock ─▶ workspace ─▶ COPY, RUN ─▶ layer ─┘
//! ```
//!
//! What a step depends on of the steps before it is in their layers, whose digests are in its key: a step that is made anew and
//! comes to the same layer changes nothing for those after it.

mod error;
mod find;
mod hidden;
mod keys;
mod make;
mod remote;
mod schedule;
mod snapshot;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

use jiff::Timestamp;
use oci_spec::runtime::LinuxDevice;

use super::cache::{Cache, Record};
use super::context;
use super::copy::{self, Copy, Selection};
use super::event::{Event, EventKind, StepNumber};
use super::graph::{Base, Graph, Operation};
use super::run;
use super::share::Imported;
use crate::image::{Digest, Store};
use crate::sys::RootDir;

pub(in crate::build) use remote::is_remote;

pub use error::{SolveError, StepError};
pub use snapshot::Snapshot;

/// What a build works with.
#[derive(Debug, Clone, Copy)]
pub struct Builder<'a> {
    /// The images and their layers.
    pub store: &'a Store,
    /// What was made before.
    pub cache: &'a Cache,
    /// What others have made.
    pub imported: &'a Imported,
    /// Where programs that run have what is theirs for as long.
    pub run: &'a Path,
    /// How programs reach the outside; not at all without.
    pub network: run::Network<'a>,
    /// Directories of this machine that programs see nothing of.
    pub hidden: &'a [PathBuf],
    /// The nodes of all devices of this machine, for programs that are not confined.
    pub devices: fn() -> std::io::Result<Vec<LinuxDevice>>,
    /// How many steps are worked on at once.
    pub workers: NonZeroUsize,
    /// The environment of programs that fetch: `git`.
    pub environment: &'a BTreeMap<String, String>,
    /// Says when the build is to be given up; said when a step has failed, so that the others end too.
    pub cancel: &'a run::Cancel,
}

/// A build that is being carried out.
struct Solver<'a> {
    builder: &'a Builder<'a>,
    graph: &'a Graph,
    trees: Vec<context::Tree>,
    tell: &'a (dyn Fn(Event) + Sync),
    /// Layers that are not to be had are as good as there: nobody needs their files.
    is_lazy: bool,
    /// What others have made, by its keys, as far as it was found.
    found: Mutex<Vec<(Digest, Record)>>,
}

/// Carries out all steps of `graph`, telling `tell` of it. What they have come to is in their order.
///
/// # Errors
/// The first step that fails, once all that had begun have ended.
pub fn solve(builder: &Builder<'_>, graph: &Graph, tell: &(dyn Fn(Event) + Sync)) -> Result<Vec<Snapshot>, SolveError> {
    // Where there are records whose layers are not to be had, nothing may need these: then all is known, or they are of no use.
    let is_lazy = builder.imported.is_partial() && probe_with(builder, graph, true)?.is_ok();
    let solver = Solver::new(builder, graph, tell, is_lazy)?;
    let inputs: Vec<Vec<StepNumber>> = graph.steps.iter().map(|step| step.operation.inputs()).collect();
    let work = |step, inputs: Vec<Snapshot>| solver.step(step, &inputs);
    let result = schedule::carry_out(&inputs, builder.workers, work, || builder.cancel.cancel());
    for tree in &solver.trees {
        // A build that cannot keep what it knows of files is as good; the next one is slower.
        let _ = tree.save_index();
    }
    let snapshots = result.map_err(|(step, source)| failed(step, source))?;
    for image in &graph.images {
        solver.bring(&snapshots[image.step]).map_err(|source| failed(image.step, source))?;
    }
    solver.keep_found().map_err(SolveError::Cache)?;
    Ok(snapshots)
}

fn failed(step: StepNumber, source: StepError) -> SolveError {
    SolveError::Step { step, source: Box::new(source) }
}

/// What the steps are known by that the image with this number needs: keys, with what they have made. `snapshots` are what all
/// steps have come to.
///
/// # Errors
/// A step whose files cannot be read.
pub fn records(
    builder: &Builder<'_>,
    graph: &Graph,
    snapshots: &[Snapshot],
    image: usize,
) -> Result<Vec<(Digest, Record)>, SolveError> {
    let solver = Solver::new(builder, graph, &|_| {}, false)?;
    let mut needed = BTreeSet::from([graph.images[image].step]);
    let mut records = Vec::new();
    // Each is after those that it needs.
    for (number, step) in graph.steps.iter().enumerate().rev() {
        if !needed.contains(&number) {
            continue;
        }
        let inputs = step.operation.inputs();
        needed.extend(&inputs);
        let Some((layer, created)) = snapshots[number].added else { continue };
        let inputs: Vec<Snapshot> = inputs.iter().map(|input| snapshots[*input].clone()).collect();
        // What was not fetched so far is not fetched to be looked at: others have said how it is known.
        let keys = match inputs.iter().all(|input| input.is_whole(builder.store)) {
            true => solver.keys(&step.operation, &inputs),
            false => Ok(builder.imported.keys_of(layer).chain(solver.quick_key(&step.operation, &inputs)).collect()),
        };
        let keys: BTreeSet<Digest> = keys.map_err(|source| failed(number, source))?.into_iter().collect();
        let record = Record { layer: Some(layer), created, name: step.name.clone() };
        records.extend(keys.into_iter().map(|key| (key, record.clone())));
    }
    records.reverse();
    Ok(records)
}

/// The first step that is not as it was when it was made, by name; `None` when there is nothing to do. `snapshots` are then what
/// all steps have come to.
///
/// # Errors
/// A directory that cannot be read.
pub fn probe(builder: &Builder<'_>, graph: &Graph) -> Result<Result<Vec<Snapshot>, StepNumber>, SolveError> {
    probe_with(builder, graph, false)
}

fn probe_with(
    builder: &Builder<'_>,
    graph: &Graph,
    is_lazy: bool,
) -> Result<Result<Vec<Snapshot>, StepNumber>, SolveError> {
    let solver = Solver::new(builder, graph, &|_| {}, is_lazy)?;
    let mut snapshots: Vec<Snapshot> = Vec::new();
    for (number, step) in graph.steps.iter().enumerate() {
        let inputs: Vec<Snapshot> = step.operation.inputs().iter().map(|input| snapshots[*input].clone()).collect();
        match solver.find(&step.operation, &inputs) {
            Ok(Some(snapshot)) if !(is_lazy && step.fresh) => snapshots.push(snapshot),
            Ok(_) | Err(_) => return Ok(Err(number)),
        }
    }
    for tree in &solver.trees {
        let _ = tree.save_index();
    }
    Ok(Ok(snapshots))
}

fn open_trees(builder: &Builder<'_>, graph: &Graph) -> Result<Vec<context::Tree>, SolveError> {
    let indexes = builder.cache.directory("contexts").map_err(SolveError::Cache)?;
    let mut trees = Vec::new();
    for tree in &graph.trees {
        let failed = |source| SolveError::Context { path: tree.directory.clone(), source };
        let root = RootDir::open(&tree.directory).map_err(failed)?;
        let ignore = match &tree.ignore {
            Some((name, text)) => Some(make::ignore(name, text)?),
            None => None,
        };
        trees.push(context::Tree::context(root, ignore, Some(context::Index::load(&indexes, &tree.directory))));
    }
    Ok(trees)
}

impl<'a> Solver<'a> {
    fn new(
        builder: &'a Builder<'a>,
        graph: &'a Graph,
        tell: &'a (dyn Fn(Event) + Sync),
        is_lazy: bool,
    ) -> Result<Self, SolveError> {
        Ok(Self { builder, graph, trees: open_trees(builder, graph)?, tell, is_lazy, found: Mutex::default() })
    }
}

impl Solver<'_> {
    fn cancelled(&self) -> bool {
        self.builder.cancel.is_cancelled()
    }

    fn tell(&self, step: StepNumber, kind: EventKind) {
        (self.tell)(Event { step, at: Instant::now(), kind });
    }

    /// Makes a step, or finds it made.
    fn step(&self, number: StepNumber, inputs: &[Snapshot]) -> Result<Snapshot, StepError> {
        let step = &self.graph.steps[number];
        // Nothing begins with nothing.
        if step.operation == Operation::From(Base::Scratch) {
            return Ok(Snapshot { rootfs: None, diff_ids: Vec::new(), added: None });
        }
        self.tell(number, EventKind::Started { name: step.name.clone() });
        let begun = Instant::now();
        let result = self.find_or_make(number, inputs);
        self.tell(
            number,
            match &result {
                Ok((_, true)) => EventKind::Cached,
                Ok((_, false)) => EventKind::Done { took: begun.elapsed() },
                Err(StepError::Cancelled) => EventKind::Cancelled,
                Err(error) => EventKind::Failed { why: error.to_string() },
            },
        );
        result.map(|(snapshot, _)| snapshot)
    }

    /// What a step comes to, and whether it was there.
    fn find_or_make(&self, number: StepNumber, inputs: &[Snapshot]) -> Result<(Snapshot, bool), StepError> {
        if self.cancelled() {
            return Err(StepError::Cancelled);
        }
        let step = &self.graph.steps[number];
        let operation = &step.operation;
        if let Some(snapshot) = self.given(operation)? {
            return Ok((snapshot, true));
        }
        let known = |keys: &[Digest]| match step.fresh {
            true => Ok(None),
            false => self.known(keys, inputs),
        };
        let mut keys = Vec::from_iter(self.quick_key(operation, inputs));
        if let Some(snapshot) = known(&keys)? {
            return Ok((snapshot, true));
        }
        // What the key is made of is what is copied: a file that changes in between is told.
        let parts = self.parts(operation, inputs)?;
        let mut selections = select(&parts)?;
        let key = self.key(operation, inputs, &mut selections)?;
        keys.push(key);
        if let Some(snapshot) = known(&keys)? {
            return Ok((snapshot, true));
        }
        let lock = self.builder.cache.lock(key, || self.cancelled()).map_err(StepError::Cache)?;
        let Some(_lock) = lock else { return Err(StepError::Cancelled) };
        // Somebody else may have made it meanwhile.
        if let Some(snapshot) = known(&keys)? {
            return Ok((snapshot, true));
        }
        let layer = self.make(number, operation, inputs, &selections)?;
        let record = Record { layer: Some(layer), created: self.now(operation), name: step.name.clone() };
        for key in keys {
            self.builder.cache.put(key, &record).map_err(StepError::Cache)?;
        }
        let base = inputs.first().cloned().unwrap_or_else(Snapshot::empty);
        Ok((base.with(layer, record.created), false))
    }

    /// When what a step makes is made.
    fn now(&self, operation: &Operation) -> Timestamp {
        let epoch = match operation {
            Operation::From(_) => None,
            Operation::Run(run) => run.epoch,
            Operation::Copy(copy) => copy.epoch,
            Operation::Workdir { epoch, .. } => *epoch,
        };
        epoch.unwrap_or_else(Timestamp::now)
    }
}

/// What is copied of each part.
fn select<'a>(parts: &'a [(Copy, make::From<'_>)]) -> Result<Vec<Selection<'a>>, StepError> {
    parts.iter().map(|(copy, from)| Ok(copy::select(copy, from.tree())?)).collect()
}
