//! From Dockerfiles to the steps that make their images.
//!
//! ```text
//! Target ─▶ Dockerfile ─┐                      ┌▶ steps: FROM, RUN, COPY, WORKDIR, each with its inputs
//! Target ─▶ Dockerfile ─┼▶ stages that are ────┼▶ images: a step, a configuration, a history
//! base images ──────────┘  needed, expanded    └▶ trees: directories that files are copied from
//! ```
//!
//! Pure: what base images are is an argument. Those that are missing are named, and it is tried again with them.
//!
//! Two instructions that do the same over the same are one step, whichever stage or service they are of. What no image
//! needs is not in the graph.

mod instruction;
mod lower;
mod metadata;
mod scope;
mod stage;
mod step;

pub(super) use scope::platform_arguments;

pub use lower::{BaseName, Bases, Unplanned, Wanted, lower};
pub use step::{Base, CopyStep, Input, Operation, RunStep, Step, Tree};

use crate::build::event::StepNumber;
use crate::image::{Blueprint, HistoryEntry};

/// All steps of what is built together.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// Each after those it needs.
    pub steps: Vec<Step>,
    /// What comes of them: an image a target, in their order.
    pub images: Vec<Planned>,
    /// The directories that files are copied from.
    pub trees: Vec<Tree>,
    /// What is worth knowing.
    pub warnings: Vec<String>,
}

/// An image that is going to be made.
#[derive(Debug, Clone)]
pub struct Planned {
    /// What it is called by the user: the name of a service.
    pub name: String,
    /// The step that has its files.
    pub step: StepNumber,
    /// What is known of it before its files are there.
    pub blueprint: Blueprint,
    /// How it is made: those instructions with a step add a layer.
    pub history: Vec<(HistoryEntry, Option<StepNumber>)>,
}
