//! A Dockerfile and a context to an image: on our own runtime, straight into our own store.
//!
//! ```text
//! Target ─▶ dockerfile ─▶ graph ─▶ solve ─┬▶ cache: what was made before ─┐
//!           text, stages  steps    keys   └▶ copy, run in a layer ────────┴▶ output: images with names
//!                                            of files from a context
//! ```

mod cache;
mod check;
pub mod context;
pub mod copy;
pub mod disk;
pub mod dockerfile;
mod emulation;
mod event;
mod graph;
mod key;
pub mod layer;
mod output;
pub mod pattern;
pub mod remote;
pub mod run;
pub mod share;
mod solve;
mod target;

use std::io;
use std::path::Path;

pub use cache::{Cache, Entry, Record};
pub use check::check;
pub use emulation::{emulated, is_known_architecture};
pub use event::{Event, EventKind, StepNumber};
pub use graph::{
    Base, BaseName, Bases, CopyStep, Graph, Input, Operation, Planned, RunStep, Step, Tree, Unplanned, Wanted, lower,
};
pub use key::KeyMaker;
pub use output::{OutputError, id, write};
pub use solve::{Builder, Snapshot, SolveError, StepError, probe, records, solve};
pub use target::{Fresh, NamedContext, RunNetwork, SecretSource, Surroundings, Target};

/// Makes the directory in which programs of builds have what is theirs for as long as they run, and clears up what builds have
/// left there that were killed.
///
/// # Errors
/// What `mkdir(2)` says, with the path.
pub fn make_run_directory(path: &Path) -> io::Result<()> {
    crate::sys::create_private_dir_all(path)?;
    run::clear_abandoned(path);
    Ok(())
}
