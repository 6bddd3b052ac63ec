//! The plans of commands that work on containers as they are: `start`, `stop`, `restart`, `kill`, `pause`, `unpause` and
//! `rm`. They need no file: containers remember what they depend on.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;

use super::draft::{Draft, Node};
use super::take_down::{Gone, Leaving, Then, is_running, take_down};
use super::{Action, Cause, Health, Observed, ObservedContainer, ObservedState, Operation, Plan, PlanError};
use crate::compose::model::{Condition, Dependency, Project};
use crate::name::ServiceName;

pub(super) fn plan(
    project: Option<&Project>,
    observed: &Observed,
    services: &[ServiceName],
    action: &Action,
) -> Result<Plan, PlanError> {
    let existing = Existing { project, observed };
    let mut draft = Draft::default();
    match action {
        Action::Start { wait, .. } => existing.start(&mut draft, services, *wait)?,
        Action::Restart { timeout, no_deps } => {
            let targets = existing.restarted(&existing.targets(services), *no_deps);
            let leaving = existing.leaving(&targets, |_| Then::Stay);
            let stopped = take_down(&mut draft, project, observed, leaving, *timeout);
            existing.start_again(&mut draft, &targets, &stopped);
        }
        Action::Stop { timeout } => {
            let leaving = existing.leaving(&existing.targets(services), |_| Then::Stay);
            take_down(&mut draft, project, observed, leaving, *timeout);
        }
        Action::Remove { stop, volumes } => {
            let then = Then::Remove { volumes: *volumes };
            let mut leaving = existing.leaving(&existing.targets(services), |_| then);
            leaving.retain(|leaving| *stop || !is_running(leaving.container));
            let finished = existing.one_offs(services).into_iter().filter(|one_off| !is_running(one_off));
            leaving.extend(finished.map(|container| Leaving {
                container,
                cause: Cause::Requested,
                then,
                after: Vec::new(),
            }));
            take_down(&mut draft, project, observed, leaving, None);
        }
        Action::Kill { signal, orphans } => {
            let all = observed.containers.iter().chain(&observed.one_offs);
            let running = all.filter(|container| is_running(container));
            let is_meant = |container: &&ObservedContainer| {
                let is_orphan = services.is_empty() && !existing.is_known(&container.service);
                existing.is_meant(services, &container.service) || (*orphans && is_orphan)
            };
            for container in running.filter(is_meant) {
                let (id, name) = (container.id.clone(), container.name.clone());
                let kill = Operation::KillContainer { container: id, name, signal: *signal };
                draft.add(kill, Cause::Requested, []);
            }
        }
        Action::Restore { snapshot, volumes, users } => {
            let services = observed.containers.iter().map(|container| &container.service);
            let users = services.filter(|name| users.contains(*name)).collect();
            let targets = existing.restarted(&users, false);
            let leaving = existing.leaving(&targets, |_| Then::Stay);
            let mut gone = take_down(&mut draft, project, observed, leaving, None);
            let restore = Operation::RestoreVolumes { snapshot: snapshot.clone(), volumes: volumes.clone() };
            let restore = draft.add(restore, Cause::Requested, gone.values().copied());
            gone.values_mut().for_each(|last| *last = restore);
            let mut starts = existing.start_again(&mut draft, &targets, &gone);
            existing.await_all(&mut draft, &mut starts, &targets);
        }
        Action::Pause | Action::Unpause => {
            let targets = existing.targets(services);
            let running = observed.containers.iter().filter(|container| is_running(container));
            for container in running.filter(|container| targets.contains(&container.service)) {
                let (container, name) = (container.id.clone(), container.name.clone());
                let operation = match action {
                    Action::Pause => Operation::PauseContainer { container, name },
                    _ => Operation::UnpauseContainer { container, name },
                };
                draft.add(operation, Cause::Requested, []);
            }
        }
    }
    Ok(draft.finish(Vec::new()))
}

/// Containers with what the file says of them, where there is one.
struct Existing<'a> {
    project: Option<&'a Project>,
    observed: &'a Observed,
}

impl<'a> Existing<'a> {
    /// Whether a service is the project's, switched on or off; without a file any is.
    fn is_known(&self, name: &ServiceName) -> bool {
        self.project.is_none_or(|project| project.services.contains_key(name) || project.disabled.contains_key(name))
    }

    /// The services that are meant: those named, else all that are no orphans.
    fn targets(&self, named: &[ServiceName]) -> BTreeSet<&'a ServiceName> {
        let services = self.observed.containers.iter().map(|container| &container.service);
        services.filter(|name| self.is_meant(named, name)).collect()
    }

    fn is_meant(&self, named: &[ServiceName], name: &ServiceName) -> bool {
        if named.is_empty() { self.is_known(name) } else { named.contains(name) }
    }

    /// What `run` has made of the services that are meant, by name.
    fn one_offs(&self, named: &[ServiceName]) -> Vec<&'a ObservedContainer> {
        let one_offs = self.observed.one_offs.iter();
        let mut of: Vec<_> = one_offs.filter(|one_off| self.is_meant(named, &one_off.service)).collect();
        of.sort_by_key(|one_off| &one_off.name);
        of
    }

    /// The containers of a service, by number.
    fn containers(&self, service: &ServiceName) -> Vec<&'a ObservedContainer> {
        let mut of: Vec<_> =
            self.observed.containers.iter().filter(|container| container.service == *service).collect();
        of.sort_by_key(|container| container.number);
        of
    }

    /// What a service depends on: by the file, else by what its first container was made from.
    fn depends_on(&self, service: &ServiceName) -> BTreeMap<&'a ServiceName, Dependency> {
        let of_file = |project: &'a Project| project.services.get(service).or_else(|| project.disabled.get(service));
        let by_file = self.project.and_then(of_file).map(|config| &config.depends_on);
        let by_record = || self.containers(service).first().map(|container| &container.depends_on);
        by_file.or_else(by_record).into_iter().flatten().map(|(name, dependency)| (name, *dependency)).collect()
    }

    fn leaving(
        &self,
        services: &BTreeSet<&ServiceName>,
        then: impl Fn(&ObservedContainer) -> Then,
    ) -> Vec<Leaving<'a>> {
        let mut containers: Vec<_> =
            self.observed.containers.iter().filter(|container| services.contains(&container.service)).collect();
        containers.sort_by_key(|container| (&container.service, container.number));
        let leaving =
            |container| Leaving { container, cause: Cause::Requested, then: then(container), after: Vec::new() };
        containers.into_iter().map(leaving).collect()
    }

    /// `services` with those that restart with one: who asks for it with `restart: true`, unless `no_deps`, and who is in
    /// a namespace that ends.
    fn restarted(&self, services: &BTreeSet<&'a ServiceName>, no_deps: bool) -> BTreeSet<&'a ServiceName> {
        let mut found = services.clone();
        loop {
            let follows = |container: &&ObservedContainer| {
                let depends_on = self.depends_on(&container.service);
                let restarts =
                    |(name, dependency): (&ServiceName, Dependency)| dependency.restart && found.contains(name);
                let joins = container.joins.iter().any(|name| found.contains(name));
                is_running(container) && (joins || (!no_deps && depends_on.into_iter().any(|(n, d)| restarts((n, d)))))
            };
            let containers = self.observed.containers.iter();
            let more: Vec<_> = containers.filter(follows).map(|container| &container.service).collect();
            let before = found.len();
            found.extend(more);
            if found.len() == before {
                return found;
            }
        }
    }

    /// Those of `services` that have containers, dependencies first; in a circle, which only containers can remember,
    /// somebody is first.
    fn in_order(&self, services: &BTreeSet<&'a ServiceName>) -> Vec<&'a ServiceName> {
        let mut graph: DiGraphMap<&ServiceName, ()> = DiGraphMap::new();
        for name in services {
            graph.add_node(*name);
            for dependency in self.depends_on(name).into_keys().filter(|on| services.contains(on)) {
                graph.add_edge(*name, dependency, ());
            }
        }
        // Its order is that in which an edge's end comes before its beginning.
        tarjan_scc(&graph).into_iter().flatten().collect()
    }

    /// `services` with what they depend on, as far as that exists.
    ///
    /// # Errors
    /// [`PlanError::NoContainer`] for a service that is to have containers and has none.
    fn with_dependencies(&self, named: &[ServiceName]) -> Result<BTreeSet<&'a ServiceName>, PlanError> {
        let mut open: Vec<_> = self.targets(named).into_iter().collect();
        let none = |name: &ServiceName| PlanError::NoContainer { service: name.clone() };
        if let Some(missing) = named.iter().find(|name| self.is_missed(name)) {
            return Err(none(missing));
        }
        if open.is_empty() {
            let first = self.project.and_then(|project| project.services.keys().find(|name| self.is_missed(name)));
            return first.map_or(Ok(BTreeSet::new()), |first| Err(none(first)));
        }
        let mut found = BTreeSet::new();
        while let Some(name) = open.pop() {
            if !found.insert(name) {
                continue;
            }
            for (on, dependency) in self.depends_on(name) {
                if !self.containers(on).is_empty() {
                    open.push(on);
                } else if dependency.required && self.is_missed(on) {
                    return Err(none(on));
                }
            }
        }
        Ok(found)
    }

    /// Whether a service is to have containers and has none.
    fn is_missed(&self, name: &ServiceName) -> bool {
        let of_file = |project: &'a Project| project.services.get(name).or_else(|| project.disabled.get(name));
        self.project.and_then(of_file).is_some_and(|service| service.replicas() > 0) && self.containers(name).is_empty()
    }

    fn start(&self, draft: &mut Draft, named: &[ServiceName], wait: bool) -> Result<(), PlanError> {
        let targets = self.with_dependencies(named)?;
        let mut starts = self.start_again(draft, &targets, &Gone::new());
        if wait {
            self.await_all(draft, &mut starts, &targets);
        }
        Ok(())
    }

    /// Adds the waits for what is started to be as it should.
    fn await_all(&self, draft: &mut Draft, starts: &mut Starts<'a>, services: &BTreeSet<&'a ServiceName>) {
        for name in self.in_order(services) {
            starts.condition(self, draft, name, self.readiness(name), true, Cause::Requested);
        }
    }

    /// What `--wait` waits for.
    fn readiness(&self, name: &ServiceName) -> Condition {
        let is_one_shot = self.observed.containers.iter().any(|container| {
            let on = self.depends_on(&container.service).get(name).copied();
            on.is_some_and(|on| on.condition == Condition::ServiceCompletedSuccessfully)
        });
        if is_one_shot {
            Condition::ServiceCompletedSuccessfully
        } else if self.containers(name).iter().any(|container| container.is_checked) {
            Condition::ServiceHealthy
        } else {
            Condition::ServiceStarted
        }
    }

    /// Starts what does not run, or is `stopped` before, each after what it depends on.
    fn start_again(&self, draft: &mut Draft, services: &BTreeSet<&'a ServiceName>, stopped: &Gone) -> Starts<'a> {
        let mut starts = Starts::default();
        for name in self.in_order(services) {
            let mut of_service = Vec::new();
            for container in self.containers(name) {
                let stop = stopped.get(&container.id).copied();
                if stop.is_none() && is_running(container) {
                    continue;
                }
                let mut after: Vec<Node> = stop.into_iter().collect();
                for (on, dependency) in self.depends_on(name) {
                    let cause = Cause::NeededBy(name.clone());
                    after.extend(starts.condition(self, draft, on, dependency.condition, dependency.required, cause));
                }
                let cause = if stop.is_some() { Cause::Requested } else { Cause::NotRunning };
                let start = Operation::StartContainer { service: name.clone(), number: container.number };
                of_service.push(draft.add(start, cause, after));
            }
            starts.nodes.insert(name, of_service);
        }
        starts
    }
}

/// The starts of a plan, and the waits for what they come to.
#[derive(Default)]
struct Starts<'a> {
    nodes: BTreeMap<&'a ServiceName, Vec<Node>>,
    awaits: BTreeMap<(&'a ServiceName, Condition, bool), Node>,
}

impl<'a> Starts<'a> {
    /// The step that waits for a condition; `None` when it is met already, or the plan leaves the service alone.
    fn condition(
        &mut self,
        existing: &Existing<'a>,
        draft: &mut Draft,
        on: &'a ServiceName,
        condition: Condition,
        required: bool,
        cause: Cause,
    ) -> Option<Node> {
        if let Some(node) = self.awaits.get(&(on, condition, required)) {
            return Some(*node);
        }
        let nodes = self.nodes.get(on)?;
        let is_met = |container: &&ObservedContainer| match condition {
            Condition::ServiceStarted => is_running(container),
            Condition::ServiceHealthy => container.state == ObservedState::Running { health: Health::Healthy },
            Condition::ServiceCompletedSuccessfully => container.state == ObservedState::Exited { code: 0 },
        };
        if nodes.is_empty() && existing.containers(on).iter().all(is_met) {
            return None;
        }
        let wait = Operation::AwaitCondition { service: on.clone(), condition, required };
        let node = draft.add(wait, cause, nodes.iter().copied());
        self.awaits.insert((on, condition, required), node);
        Some(node)
    }
}
