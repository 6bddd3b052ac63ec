//! Stopping and removing containers, dependents first: what `down` and the first half of `up` share.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;

use super::draft::{Draft, Node};
use super::{Cause, Observed, ObservedContainer, ObservedState, Operation};
use crate::compose::model::Project;
use crate::name::{ContainerId, ServiceName};

/// A container that is stopped.
#[derive(Debug)]
pub(super) struct Leaving<'a> {
    pub(super) container: &'a ObservedContainer,
    pub(super) cause: Cause,
    pub(super) then: Then,
    /// What must be done before it is stopped.
    pub(super) after: Vec<Node>,
}

/// What becomes of a container once it is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// It is started again later in the plan.
    Stay,
    /// It goes, and `volumes` says whether its anonymous volumes go with it.
    Remove { volumes: bool },
}

/// Whether a container runs, or is about to.
pub(super) fn is_running(container: &ObservedContainer) -> bool {
    matches!(container.state, ObservedState::Running { .. })
}

/// The last step in the life of each leaving container.
pub(super) type Gone<'a> = BTreeMap<&'a ContainerId, Node>;

/// Adds the steps for `leaving`. `timeout` stands in for the grace period of each.
pub(super) fn take_down<'a>(
    draft: &mut Draft,
    project: Option<&Project>,
    observed: &Observed,
    leaving: Vec<Leaving<'a>>,
    timeout: Option<Duration>,
) -> Gone<'a> {
    let mut gone = Gone::new();
    let mut stops: BTreeMap<&ServiceName, Vec<Node>> = BTreeMap::new();
    for Leaving { container, cause, then, after } in leaving {
        let ObservedContainer { id, name, .. } = container;
        let mut last = None;
        if is_running(container) {
            let grace = timeout.unwrap_or(container.stop_grace_period);
            let stop = Operation::StopContainer { container: id.clone(), name: name.clone(), grace };
            let stop = draft.add(stop, cause.clone(), after.iter().copied());
            stops.entry(&container.service).or_default().push(stop);
            last = Some(stop);
        }
        if let Then::Remove { volumes } = then {
            let remove = Operation::RemoveContainer { container: id.clone(), name: name.clone(), volumes };
            last = Some(draft.add(remove, cause, last.map_or(after, |stop| vec![stop])));
        }
        gone.extend(last.map(|last| (id, last)));
    }

    let dependencies = dependencies(project, observed);
    for (service, dependents) in &stops {
        for dependency in nearest(service, &dependencies, &stops) {
            for (dependent, stop) in
                dependents.iter().flat_map(|node| stops[dependency].iter().map(move |to| (node, to)))
            {
                draft.order(*dependent, *stop);
            }
        }
    }
    gone
}

/// Which service depends on which, by the project, and for services it does not have by what their containers
/// remember. The two may contradict each other: what is on a cycle is left unordered.
fn dependencies<'a>(project: Option<&'a Project>, observed: &'a Observed) -> DiGraphMap<&'a ServiceName, ()> {
    let mut graph = DiGraphMap::new();
    let known = project.into_iter().flat_map(|project| project.services.iter().chain(&project.disabled));
    for (name, service) in known {
        graph.add_node(name);
        for dependency in service.depends_on.keys() {
            graph.add_edge(name, dependency, ());
        }
    }
    let has = |name: &ServiceName| {
        project.is_some_and(|project| project.services.contains_key(name) || project.disabled.contains_key(name))
    };
    for container in observed.containers.iter().chain(&observed.one_offs).filter(|container| !has(&container.service)) {
        for dependency in container.depends_on.keys() {
            graph.add_edge(&container.service, dependency, ());
        }
    }
    for circle in tarjan_scc(&graph) {
        for (from, to) in circle.iter().flat_map(|from| circle.iter().map(move |to| (*from, *to))) {
            graph.remove_edge(from, to);
        }
    }
    graph
}

/// The services with a stop that `service` depends on, directly or by way of services without one.
fn nearest<'a>(
    service: &'a ServiceName,
    dependencies: &DiGraphMap<&'a ServiceName, ()>,
    stops: &BTreeMap<&'a ServiceName, Vec<Node>>,
) -> BTreeSet<&'a ServiceName> {
    let mut found = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut open: Vec<&ServiceName> = dependencies.neighbors(service).collect();
    while let Some(name) = open.pop() {
        if stops.contains_key(name) {
            found.insert(name);
        } else if seen.insert(name) {
            open.extend(dependencies.neighbors(name));
        }
    }
    found
}
