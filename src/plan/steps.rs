//! A plan: steps, and which of them come after which.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};

use super::{Operation, Step};
use crate::name::{ContainerId, ContainerName, VolumeName};

/// A directed acyclic graph of operations, each with its cause. Steps that are not ordered by it may run at the same
/// time.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// An edge leads from a step to one that comes after it. Nodes are numbered in an order that respects the edges.
    pub(super) graph: DiGraph<Step, ()>,
    pub(super) orphans: Vec<ContainerName>,
    pub(super) changed_volumes: BTreeMap<VolumeName, Vec<String>>,
}

/// The place of a step in the order of its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(usize);

impl StepId {
    /// The place, from 0: an index into a list with an entry for each step.
    #[must_use]
    pub fn index(self) -> usize {
        self.0
    }
}

impl fmt::Display for StepId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "#{}", self.0 + 1)
    }
}

impl Plan {
    /// Every step, each after those it depends on; always in the same order for the same inputs.
    pub fn steps(&self) -> impl Iterator<Item = (StepId, &Step)> {
        self.graph.node_indices().map(|node| (StepId(node.index()), &self.graph[node]))
    }

    /// One step. `id` is one of this plan's.
    #[must_use]
    pub fn step(&self, id: StepId) -> &Step {
        &self.graph[NodeIndex::new(id.0)]
    }

    /// The steps that must be done before this one, ascending.
    #[must_use]
    pub fn dependencies(&self, id: StepId) -> Vec<StepId> {
        self.neighbours(id, Direction::Incoming)
    }

    /// The steps that wait for this one, ascending.
    #[must_use]
    pub fn dependents(&self, id: StepId) -> Vec<StepId> {
        self.neighbours(id, Direction::Outgoing)
    }

    fn neighbours(&self, id: StepId, direction: Direction) -> Vec<StepId> {
        let nodes = self.graph.neighbors_directed(NodeIndex::new(id.0), direction);
        let mut ids: Vec<StepId> = nodes.map(|node| StepId(node.index())).collect();
        ids.sort_unstable();
        ids
    }

    /// The containers that the plan changes, stops or removes.
    #[must_use]
    pub fn containers(&self) -> BTreeSet<&ContainerId> {
        let touched = self.graph.node_weights().flat_map(|step| match &step.operation {
            Operation::UpdateContainer { container, .. }
            | Operation::StopContainer { container, .. }
            | Operation::KillContainer { container, .. }
            | Operation::PauseContainer { container, .. }
            | Operation::UnpauseContainer { container, .. }
            | Operation::RemoveContainer { container, .. } => vec![container],
            Operation::RollOut { containers, .. } => containers.iter().map(|of| &of.container).collect(),
            _ => Vec::new(),
        });
        touched.collect()
    }

    /// How many steps there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.graph.node_count()
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.graph.node_count() == 0
    }

    /// The containers of services that the project does not have, and that this plan leaves alone.
    #[must_use]
    pub fn orphans(&self) -> &[ContainerName] {
        &self.orphans
    }
}
