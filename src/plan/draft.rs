//! A plan while it is being made.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};

use super::{Cause, Operation, Plan, Step};
use crate::name::ContainerName;

/// A step of a draft.
pub(super) type Node = NodeIndex;

/// A plan while it is being made: steps are added in the order they shall be printed in, as far as edges allow.
#[derive(Debug, Default)]
pub(super) struct Draft {
    graph: DiGraph<Step, ()>,
}

impl Draft {
    /// Adds a step that comes after those of `after`.
    pub(super) fn add(&mut self, operation: Operation, cause: Cause, after: impl IntoIterator<Item = Node>) -> Node {
        let node = self.graph.add_node(Step { operation, cause });
        for earlier in after.into_iter().collect::<BTreeSet<_>>() {
            self.graph.add_edge(earlier, node, ());
        }
        node
    }

    /// Puts `node` after `earlier` too.
    pub(super) fn order(&mut self, earlier: Node, node: Node) {
        self.graph.update_edge(earlier, node, ());
    }

    /// Numbers the steps: always the one that was added first among those with nothing left to wait for.
    pub(super) fn finish(self, orphans: Vec<ContainerName>) -> Plan {
        let mut waiting: Vec<usize> = self
            .graph
            .node_indices()
            .map(|node| self.graph.neighbors_directed(node, Direction::Incoming).count())
            .collect();
        let mut ready: BinaryHeap<Reverse<Node>> = self.graph.externals(Direction::Incoming).map(Reverse).collect();
        let mut sorted = Vec::with_capacity(waiting.len());
        while let Some(Reverse(node)) = ready.pop() {
            sorted.push(node);
            for next in self.graph.neighbors(node) {
                waiting[next.index()] -= 1;
                if waiting[next.index()] == 0 {
                    ready.push(Reverse(next));
                }
            }
        }
        debug_assert_eq!(sorted.len(), waiting.len(), "the layers of a plan exclude cycles");
        Plan { graph: renumbered(&self.graph, &sorted), orphans, ..Plan::default() }
    }
}

/// The same graph with its nodes in the order of `sorted`.
fn renumbered(graph: &DiGraph<Step, ()>, sorted: &[Node]) -> DiGraph<Step, ()> {
    let mut result = DiGraph::with_capacity(graph.node_count(), graph.edge_count());
    let mut places = vec![Node::end(); graph.node_count()];
    for node in sorted {
        places[node.index()] = result.add_node(graph[*node].clone());
    }
    for node in sorted {
        let mut before: Vec<Node> =
            graph.neighbors_directed(*node, Direction::Incoming).map(|earlier| places[earlier.index()]).collect();
        before.sort_unstable();
        for earlier in before {
            result.add_edge(earlier, places[node.index()], ());
        }
    }
    result
}
