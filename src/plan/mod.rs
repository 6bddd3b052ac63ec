//! Desired and observed to a graph of operations.
//!
//! ```text
//! Project ─┐                                               ┌─▶ text (`--dry-run`, tests)
//! Observed ├─▶ selection ─▶ replicas ─▶ up ────┐           ├─▶ DOT
//! options ─┘                                   ├─▶ Plan ───┴─▶ supervisor::execute
//!           Observed, options ─▶ down, action ─┘
//! ```
//!
//! Everything here is a pure function of its arguments: no file, clock or process is read, so the same inputs give
//! the same plan, step by step. Whatever decides something is here; the executor only walks the graph.
//!
//! The steps of a plan are layered, which is why it cannot have a cycle: pulls and builds, then stops (dependents first), removals,
//! networks and volumes, creations (all of them early, in parallel), and last the starts and waits in the
//! order of `depends_on`, itself checked to be acyclic.

mod action;
mod config_hash;
mod down;
mod draft;
mod error;
mod graph;
mod observed;
mod operation;
mod options;
mod render;
mod replicas;
mod selection;
mod steps;
mod take_down;
mod up;

pub use config_hash::{Definition, content_digest, service_hash};
pub use error::PlanError;
pub use graph::{Cycle, DependencyGraph};
pub use observed::{Health, Observed, ObservedContainer, ObservedState, ObservedVolume};
pub use operation::{Cause, Operation, Replaced, Step};
pub use options::{Action, Building, DownOptions, Recreate, UpOptions};
pub use steps::{Plan, StepId};

use std::collections::BTreeSet;

use crate::compose::model::{Project, Service};
use crate::name::{ContainerName, ProjectName, ServiceName};

/// Plans `up`: what makes the observed like the project.
///
/// When the project already is as wanted, the plan is empty. An image that is pulled by the plan has no id and no known
/// health check yet: pull first and observe again where that matters (`pull_policy: always`).
///
/// # Errors
/// [`PlanError`] for what cannot be planned whatever exists: an unknown service, a dependency cycle, a wait for the
/// health of a service without a check, an image that may not be pulled, a fixed name for many containers, a changed
/// network that a container outside the plan is attached to.
pub fn reconcile(project: &Project, observed: &Observed, options: &UpOptions) -> Result<Plan, PlanError> {
    let graph = DependencyGraph::of(&project.services)?;
    let selection = selection::Selection::of(project, observed, options, &graph)?;
    selection.check_health_conditions(project, observed)?;
    let replicas = replicas::decide(project, observed, options, &graph, &selection)?;
    up::plan(project, observed, options, &graph, &selection, &replicas)
}

/// The services that an `up` is about: those that are named, all when none is, and what they depend on unless that is left out.
///
/// # Errors
/// [`PlanError`] for an unknown service and for a dependency cycle.
pub fn concerned<'a>(project: &'a Project, options: &UpOptions) -> Result<BTreeSet<&'a ServiceName>, PlanError> {
    selection::concerned(project, options, &DependencyGraph::of(&project.services)?)
}

/// Plans `down`: removes what exists, dependents first; whatever is not there any more is not in the plan.
///
/// Without a project (the file is gone) everything observed goes, in the order its containers remember.
#[must_use]
pub fn teardown(project: Option<&Project>, observed: &Observed, options: &DownOptions) -> Plan {
    down::plan(project, observed, options)
}

/// Plans `action` for the containers that `services` have; for those of all services but orphans when it is empty.
///
/// Without a project containers remember what they depend on, and none is an orphan.
///
/// # Errors
/// [`PlanError::NoContainer`] for a start of what does not exist.
pub fn act(
    project: Option<&Project>,
    observed: &Observed,
    services: &[ServiceName],
    action: &Action,
) -> Result<Plan, PlanError> {
    action::plan(project, observed, services, action)
}

/// The name of a container of a service: `container_name`, else `<project>-<service>-<number>`, or with `_` as Compose 1 had
/// it.
#[must_use]
pub fn container_name(project: &Project, name: &ServiceName, service: &Service, number: u32) -> ContainerName {
    let separator = if project.compatibility { '_' } else { '-' };
    service.container_name.clone().unwrap_or_else(|| default_name(&project.name, name, number, separator))
}

/// Whether `given` is the name of that container, be it that of the other way to call it: it keeps the one it has got.
fn is_name_of(given: &ContainerName, project: &Project, name: &ServiceName, service: &Service, number: u32) -> bool {
    let either = || ['-', '_'].iter().any(|separator| *given == default_name(&project.name, name, number, *separator));
    service.container_name.as_ref().map_or_else(either, |fixed| fixed == given)
}

fn default_name(project: &ProjectName, name: &ServiceName, number: u32, separator: char) -> ContainerName {
    ContainerName::new(format!("{project}{separator}{name}{separator}{number}"))
        .expect("a project name begins with a letter or digit, and names hold what a container name may")
}
