//! `depends_on` as a graph: the order of services, their closure, and cycles by name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use petgraph::graphmap::DiGraphMap;
use petgraph::visit::{Control, DfsEvent, depth_first_search};

use crate::compose::model::Service;
use crate::name::ServiceName;

/// Which services depend on which: without cycles.
#[derive(Debug, Clone)]
pub struct DependencyGraph<'a> {
    /// An edge leads to what is depended on.
    graph: DiGraphMap<&'a ServiceName, ()>,
    order: Vec<&'a ServiceName>,
}

/// Services that depend on one another in a circle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("dependency cycle: {}", Circle(services))]
pub struct Cycle {
    /// Each depends on the next, and the last on the first.
    pub services: Vec<ServiceName>,
}

/// Prints the way around, back to where it began: `a -> b -> a`.
struct Circle<'a>(&'a [ServiceName]);

impl fmt::Display for Circle<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for name in self.0 {
            write!(formatter, "{name} -> ")?;
        }
        self.0.first().map_or(Ok(()), |first| first.fmt(formatter))
    }
}

impl<'a> DependencyGraph<'a> {
    /// Reads the graph off the services. What they depend on outside of `services` (switched off by a profile) is left
    /// out.
    ///
    /// # Errors
    /// [`Cycle`] with the services that depend on one another.
    pub fn of(services: &'a BTreeMap<ServiceName, Service>) -> Result<Self, Cycle> {
        let mut graph = DiGraphMap::new();
        for (name, service) in services {
            graph.add_node(name);
            for dependency in service.depends_on.keys().filter(|name| services.contains_key(*name)) {
                graph.add_edge(name, dependency, ());
            }
        }
        let order = dependencies_first(&graph, services.keys())?;
        Ok(Self { graph, order })
    }

    /// Every service, dependencies before dependents.
    #[must_use]
    pub fn order(&self) -> &[&'a ServiceName] {
        &self.order
    }

    /// `names` with everything they depend on, directly or not.
    #[must_use]
    pub fn with_dependencies(&self, names: &BTreeSet<&'a ServiceName>) -> BTreeSet<&'a ServiceName> {
        let mut found = BTreeSet::new();
        let mut open: Vec<_> = names.iter().copied().collect();
        while let Some(name) = open.pop() {
            if found.insert(name) {
                open.extend(self.graph.neighbors(name));
            }
        }
        found
    }
}

/// Sorts by a walk through the depths: a service is done when everything it depends on is.
fn dependencies_first<'a>(
    graph: &DiGraphMap<&'a ServiceName, ()>,
    names: impl Iterator<Item = &'a ServiceName>,
) -> Result<Vec<&'a ServiceName>, Cycle> {
    let mut path: Vec<&ServiceName> = Vec::new();
    let mut order = Vec::new();
    let found = depth_first_search(graph, names, |event| match event {
        DfsEvent::Discover(name, _) => {
            path.push(name);
            Control::Continue
        }
        DfsEvent::BackEdge(_, to) => {
            let circle = path.iter().skip_while(|name| **name != to);
            Control::Break(Cycle { services: circle.map(|name| (*name).clone()).collect() })
        }
        DfsEvent::Finish(name, _) => {
            path.pop();
            order.push(name);
            Control::Continue
        }
        DfsEvent::TreeEdge(..) | DfsEvent::CrossForwardEdge(..) => Control::Continue,
    });
    match found {
        Control::Break(cycle) => Err(cycle),
        Control::Continue | Control::Prune => Ok(order),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::model::{Condition, Dependency};
    use crate::name::ImageReference;

    fn services(table: &[(&str, &[&str])]) -> BTreeMap<ServiceName, Service> {
        let name = |text: &str| ServiceName::new(text).unwrap();
        let dependency = Dependency { condition: Condition::ServiceStarted, restart: false, required: true };
        table
            .iter()
            .map(|(service, depends_on)| {
                let mut model = Service::new(ImageReference::parse("busybox").unwrap());
                model.depends_on = depends_on.iter().map(|on| (name(on), dependency)).collect();
                (name(service), model)
            })
            .collect()
    }

    #[test]
    fn dependencies_come_first_and_names_decide_the_rest() {
        let services = services(&[("web", &["db", "cache", "off"]), ("db", &["disk"]), ("disk", &[]), ("cache", &[])]);
        let graph = DependencyGraph::of(&services).unwrap();
        let order: Vec<_> = graph.order().iter().map(|name| name.as_str()).collect();
        assert_eq!(order, ["cache", "disk", "db", "web"]);
        let db = services.keys().filter(|name| name.as_str() == "db").collect();
        let closure: Vec<_> = graph.with_dependencies(&db).into_iter().map(ServiceName::as_str).collect();
        assert_eq!(closure, ["db", "disk"]);
    }

    #[test]
    fn cycles_are_named() {
        for (table, message) in [
            (&[("a", &["b"][..]), ("b", &["a"])][..], "dependency cycle: a -> b -> a"),
            (&[("a", &["a"])], "dependency cycle: a -> a"),
            (&[("a", &["b"]), ("b", &["c"]), ("c", &["d"]), ("d", &["b"])], "dependency cycle: b -> c -> d -> b"),
        ] {
            assert_eq!(DependencyGraph::of(&services(table)).unwrap_err().to_string(), message);
        }
    }
}
