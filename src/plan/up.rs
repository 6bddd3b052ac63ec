//! The plan of `up`, layer by layer: pulls, departures, networks and volumes, creations, starts.

mod images;

use std::collections::{BTreeMap, BTreeSet};

use super::down::is_orphan;
use super::draft::{Draft, Node};
use super::replicas::{Fate, Replica};
use super::selection::{NetworkFate, Selection, VolumeFate, has_healthcheck};
use super::take_down::{Gone, Leaving, Then, is_running, take_down};
use super::{
    Cause, DependencyGraph, Health, Observed, ObservedContainer, ObservedState, Operation, Plan, PlanError, Replaced,
    UpOptions, container_name,
};
use crate::compose::model::{Attachment, Condition, Project, Service};
use crate::name::{ImageReference, NetworkName, ServiceName, VolumeName};

/// What the layers look things up in, and the plan as it grows.
struct Up<'a> {
    project: &'a Project,
    observed: &'a Observed,
    options: &'a UpOptions,
    selection: &'a Selection<'a>,
    replicas: &'a BTreeMap<&'a ServiceName, Vec<Replica<'a>>>,
    draft: Draft,
    pulls: BTreeMap<&'a ImageReference, Node>,
    gone: Gone<'a>,
    networks: BTreeMap<&'a NetworkName, Node>,
    volumes: BTreeMap<&'a VolumeName, Node>,
    created: BTreeMap<(&'a ServiceName, u32), Node>,
    updated: BTreeMap<(&'a ServiceName, u32), Node>,
    started: BTreeMap<&'a ServiceName, Vec<Node>>,
    /// By what is waited for, whether it is required, and whether the user waits.
    awaits: BTreeMap<(&'a ServiceName, Condition, bool, bool), Node>,
}

pub(super) fn plan<'a>(
    project: &'a Project,
    observed: &'a Observed,
    options: &'a UpOptions,
    graph: &DependencyGraph<'a>,
    selection: &'a Selection<'a>,
    replicas: &'a BTreeMap<&'a ServiceName, Vec<Replica<'a>>>,
) -> Result<Plan, PlanError> {
    let mut up = Up {
        project,
        observed,
        options,
        selection,
        replicas,
        draft: Draft::default(),
        pulls: BTreeMap::new(),
        gone: BTreeMap::new(),
        networks: BTreeMap::new(),
        volumes: BTreeMap::new(),
        created: BTreeMap::new(),
        updated: BTreeMap::new(),
        started: BTreeMap::new(),
        awaits: BTreeMap::new(),
    };
    up.make_images()?;
    up.take_down_containers();
    up.make_networks()?;
    up.make_volumes()?;
    up.create_containers();
    up.update_containers();
    if !options.no_start {
        for name in graph.order().iter().copied().filter(|name| replicas.contains_key(name)) {
            up.start_containers(name);
        }
        if let Some(name) = &options.one_off {
            up.await_dependencies(name);
        }
        if options.wait {
            up.await_everything(graph);
        }
    }
    let staying =
        observed.containers.iter().filter(|container| is_orphan(project, container) && !options.remove_orphans);
    let orphans: BTreeSet<_> = staying.map(|container| container.name.clone()).collect();
    let changed = selection.volumes.iter().filter_map(|(volume, fate)| match fate {
        VolumeFate::Changed(fields) => Some(((*volume).clone(), fields.clone())),
        VolumeFate::Keep | VolumeFate::Create | VolumeFate::Recreate(_) => None,
    });
    Ok(Plan { changed_volumes: changed.collect(), ..up.draft.finish(orphans.into_iter().collect()) })
}

impl<'a> Up<'a> {
    /// Whether an image is called as one that the file gives no name.
    fn is_own_name(&self, name: &ServiceName, image: &ImageReference) -> bool {
        ["-", "_"].iter().any(|separator| {
            ImageReference::parse(&format!("{}{separator}{name}", self.project.name)).is_ok_and(|own| own == *image)
        })
    }

    fn take_down_containers(&mut self) {
        let mut leaving = Vec::new();
        for (name, replicas) in self.replicas {
            // A service goes on running while its new image is fetched, and if that fails.
            let pulls: Vec<Node> =
                self.project.services[*name].images().filter_map(|image| self.pulls.get(image)).copied().collect();
            let rolls_out = self.rolls_out(name);
            leaving.extend(replicas.iter().filter_map(|replica| {
                let (container, cause, then, after) = match &replica.fate {
                    Fate::Keep(_) | Fate::Create | Fate::Start => return None,
                    Fate::Recreate(..) if rolls_out => return None,
                    Fate::Restart(container, cause) => (container, cause.clone(), Then::Stay, Vec::new()),
                    Fate::Recreate(container, cause) => {
                        (container, cause.clone(), Then::Remove { volumes: self.options.renew_volumes }, pulls.clone())
                    }
                    Fate::Remove(container) => {
                        (container, Cause::ScaledDown, Then::Remove { volumes: false }, Vec::new())
                    }
                };
                Some(Leaving { container, cause, then, after })
            }));
        }
        if self.options.remove_orphans {
            let replicas = self.observed.containers.iter().filter(|container| is_orphan(self.project, container));
            let one_offs = self.observed.one_offs.iter();
            let one_offs = one_offs.filter(|one_off| !is_running(one_off) || is_orphan(self.project, one_off));
            let mut orphans: Vec<&ObservedContainer> = replicas.chain(one_offs).collect();
            orphans.sort_by_key(|container| (&container.service, container.number, &container.name));
            leaving.extend(orphans.into_iter().map(|container| Leaving {
                container,
                cause: Cause::Orphan,
                then: Then::Remove { volumes: false },
                after: Vec::new(),
            }));
        }
        self.gone = take_down(&mut self.draft, Some(self.project), self.observed, leaving, self.options.timeout);
    }

    fn make_networks(&mut self) -> Result<(), PlanError> {
        for (network, fate) in &self.selection.networks {
            let operation = Operation::CreateNetwork { network: (*network).clone() };
            let node = match fate {
                NetworkFate::Keep => continue,
                NetworkFate::Create => self.draft.add(operation, Cause::Missing, []),
                NetworkFate::Recreate(fields) => {
                    let mut departures = Vec::new();
                    // One that `run` has made, and that has ended, is not started again.
                    let one_offs = self.observed.one_offs.iter().filter(|one_off| is_running(one_off));
                    let all = self.observed.containers.iter().chain(one_offs);
                    for container in all.filter(|one| one.networks.contains(*network)) {
                        let in_use = || PlanError::NetworkInUse {
                            network: (*network).clone(),
                            container: container.name.clone(),
                        };
                        departures.push(*self.gone.get(&container.id).ok_or_else(in_use)?);
                    }
                    let remove = Operation::RemoveNetwork { network: (*network).clone() };
                    let cause = Cause::ConfigChanged(fields.clone());
                    let removed = self.draft.add(remove, cause.clone(), departures);
                    self.draft.add(operation, cause, [removed])
                }
            };
            self.networks.insert(network, node);
        }
        Ok(())
    }

    fn make_volumes(&mut self) -> Result<(), PlanError> {
        for (volume, fate) in &self.selection.volumes {
            let operation = Operation::CreateVolume { volume: (*volume).clone() };
            let node = match fate {
                VolumeFate::Keep | VolumeFate::Changed(_) => continue,
                VolumeFate::Create => self.draft.add(operation, Cause::Missing, []),
                VolumeFate::Recreate(fields) => {
                    let mut departures = Vec::new();
                    for container in self.observed.containers.iter().filter(|one| one.volumes.contains(*volume)) {
                        let in_use =
                            || PlanError::VolumeInUse { volume: (*volume).clone(), container: container.name.clone() };
                        departures.push(*self.gone.get(&container.id).ok_or_else(in_use)?);
                    }
                    let cause = Cause::ConfigChanged(fields.clone());
                    let name = Some(self.project.volumes[*volume].name.clone());
                    let remove = Operation::RemoveVolume { volume: (*volume).clone(), name };
                    let removed = self.draft.add(remove, cause.clone(), departures);
                    self.draft.add(operation, cause, [removed])
                }
            };
            self.volumes.insert(volume, node);
        }
        Ok(())
    }

    fn create_containers(&mut self) {
        for (name, replica) in self.replicas.iter().flat_map(|(name, all)| all.iter().map(move |one| (*name, one))) {
            let (replaced, cause) = match &replica.fate {
                Fate::Create => (None, Cause::Missing),
                Fate::Recreate(..) if self.rolls_out(name) => continue,
                Fate::Recreate(container, cause) => (Some(*container), cause.clone()),
                Fate::Keep(_) | Fate::Start | Fate::Restart(..) | Fate::Remove(_) => continue,
            };
            let service = &self.project.services[name];
            let mut after = self.needs(service);
            after.extend(service.images().filter_map(|image| self.pulls.get(image)));
            let taken = container_name(self.project, name, service, replica.number);
            let all = self.observed.containers.iter().chain(&self.observed.one_offs);
            let holders = all.filter(|container| container.name == taken);
            after.extend(holders.chain(replaced).filter_map(|container| self.gone.get(&container.id)));
            let replaces = replaced.filter(|_| !self.options.renew_volumes).map(|container| container.id.clone());
            let create = Operation::CreateContainer { service: name.clone(), number: replica.number, replaces };
            let node = self.draft.add(create, cause, after);
            self.created.insert((name, replica.number), node);
        }
        self.order_by_volumes();
    }

    /// The volumes of another container are known once it is made.
    fn order_by_volumes(&mut self) {
        for ((name, _), node) in &self.created {
            let others: BTreeSet<&str> =
                self.project.services[*name].volumes_from().filter_map(|from| from.service).collect();
            for ((_, _), earlier) in self.created.iter().filter(|((other, _), _)| others.contains(other.as_str())) {
                self.draft.order(*earlier, *node);
            }
        }
    }

    /// Containers that stay get what can be changed without making them anew.
    fn update_containers(&mut self) {
        for container in &self.observed.containers {
            let Some((name, service)) = self.selection.services.get_key_value(&container.service) else { continue };
            let mut replicas = self.replicas[*name].iter();
            let stays = replicas.any(|replica| {
                let stays = matches!(replica.fate, Fate::Keep(_) | Fate::Start | Fate::Restart(..));
                stays && replica.number == container.number
            });
            if stays && service.network_limits() != container.limits.as_ref() {
                let (id, of) = (container.id.clone(), container.name.clone());
                let update = Operation::UpdateContainer { container: id, name: of, service: (*name).clone() };
                let node = self.draft.add(update, Cause::LimitsChanged, []);
                self.updated.insert((name, container.number), node);
            }
        }
    }

    /// What must be there before a container of `service` can be made, or started when it was made before.
    fn needs(&self, service: &Service) -> Vec<Node> {
        let mut nodes: Vec<Node> =
            service.networks.keys().filter_map(|network| self.networks.get(network)).copied().collect();
        nodes.extend(service.named_volumes().filter_map(|volume| self.volumes.get(volume)));
        let fixed_port = service.ports.iter().any(|port| port.published.is_some());
        let fixed_address = service
            .networks
            .values()
            .any(|attachment| attachment.ipv4_address.is_some() || attachment.ipv6_address.is_some());
        if fixed_port || fixed_address {
            // A container that goes may hold it.
            nodes.extend(self.gone.values());
        }
        nodes
    }

    fn start_containers(&mut self, name: &'a ServiceName) {
        let service = &self.project.services[name];
        let mut starts = Vec::new();
        let rolls_out = self.rolls_out(name);
        let prepared = self.pre_start(name);
        for replica in &self.replicas[name] {
            let (cause, mut after) = match &replica.fate {
                Fate::Keep(_) | Fate::Remove(_) => continue,
                Fate::Recreate(..) if rolls_out => continue,
                Fate::Create => (Cause::Missing, vec![self.created[&(name, replica.number)]]),
                Fate::Recreate(_, cause) => (cause.clone(), vec![self.created[&(name, replica.number)]]),
                Fate::Start => (Cause::NotRunning, self.needs(service)),
                Fate::Restart(container, cause) => (cause.clone(), vec![self.gone[&container.id]]),
            };
            after.extend(self.updated.get(&(name, replica.number)));
            for (on, dependency) in &service.depends_on {
                let cause = Cause::NeededBy(name.clone());
                after.extend(self.condition(on, dependency.condition, dependency.required, cause));
            }
            after.extend(prepared);
            if service.pre_start.iter().any(|hook| hook.per_replica) {
                let prepare = Operation::PreStart { service: name.clone(), number: Some(replica.number) };
                after = vec![self.draft.add(prepare, cause.clone(), after)];
            }
            let start = Operation::StartContainer { service: name.clone(), number: replica.number };
            starts.push(self.draft.add(start, cause, after));
        }
        starts.extend(self.roll_out(name));
        self.started.insert(name, starts);
    }

    /// What is to be run before any container of a service starts, unless one runs on.
    fn pre_start(&mut self, name: &'a ServiceName) -> Option<Node> {
        let service = &self.project.services[name];
        let rolls_out = self.rolls_out(name);
        let runs_on = |replica: &Replica| match &replica.fate {
            Fate::Keep(container) => matches!(container.state, ObservedState::Running { .. }),
            Fate::Recreate(..) => rolls_out,
            _ => false,
        };
        let starts = |replica: &&Replica| !matches!(replica.fate, Fate::Keep(_) | Fate::Remove(_));
        let replicas = &self.replicas[name];
        if service.pre_start.iter().all(|hook| hook.per_replica) || replicas.iter().any(runs_on) {
            return None;
        }
        let first = replicas.iter().find(starts)?;
        let cause = match &first.fate {
            Fate::Recreate(_, cause) | Fate::Restart(_, cause) => cause.clone(),
            Fate::Start => Cause::NotRunning,
            _ => Cause::Missing,
        };
        let mut after = self.needs(service);
        for replica in replicas.iter().filter(starts) {
            after.extend(self.created.get(&(name, replica.number)));
            if let Fate::Restart(container, _) = &replica.fate {
                after.extend(self.gone.get(&container.id));
            }
        }
        after.extend(service.images().filter_map(|image| self.pulls.get(image)));
        for (on, dependency) in &service.depends_on {
            let cause = Cause::NeededBy(name.clone());
            after.extend(self.condition(on, dependency.condition, dependency.required, cause));
        }
        Some(self.draft.add(Operation::PreStart { service: name.clone(), number: None }, cause, after))
    }

    /// Whether the containers of a service that are made anew are so one after the other, old and new side by side: it is
    /// asked for, and nothing that is its own alone keeps them from it.
    fn rolls_out(&self, name: &ServiceName) -> bool {
        let service = &self.project.services[name];
        let is_asked_for = service.deploy.as_ref().is_some_and(|deploy| deploy.update_config.is_some());
        let is_alone = |attachment: &Attachment| {
            attachment.ipv4_address.is_some()
                || attachment.ipv6_address.is_some()
                || attachment.mac_address.is_some()
                || !attachment.link_local_ips.is_empty()
        };
        let is_fixed = service.mac_address.is_some() || service.networks.values().any(is_alone);
        let is_shared = self.project.services.values().any(|other| other.shares_with(name));
        // What it is on must be let go of by the old one before the new one can have it.
        let lets_go = |container: &ObservedContainer| {
            let networks = container.networks.iter().map(|network| self.selection.networks.get(network));
            let mut volumes = container.volumes.iter().map(|volume| self.selection.volumes.get(volume));
            networks.flatten().any(|fate| *fate != NetworkFate::Keep)
                || volumes.any(|fate| matches!(fate, Some(VolumeFate::Recreate(_))))
        };
        let is_detached = self.replicas[name]
            .iter()
            .any(|replica| matches!(replica.fate, Fate::Recreate(container, _) if lets_go(container)));
        // Between the old one and the new one there is no moment for it.
        let is_prepared = service.pre_start.iter().any(|hook| hook.per_replica);
        is_asked_for && !is_prepared && !is_fixed && !is_shared && !is_detached
    }

    fn roll_out(&mut self, name: &'a ServiceName) -> Option<Node> {
        if !self.rolls_out(name) {
            return None;
        }
        let mut first = None;
        let replaced = self.replicas[name].iter().filter_map(|replica| {
            let Fate::Recreate(container, cause) = &replica.fate else { return None };
            first.get_or_insert_with(|| cause.clone());
            Some(Replaced {
                container: container.id.clone(),
                name: container.name.clone(),
                number: container.number,
                grace: self.options.timeout.unwrap_or(container.stop_grace_period),
            })
        });
        let containers: Vec<Replaced> = replaced.collect();
        let cause = first?;
        let service = &self.project.services[name];
        let mut after = self.needs(service);
        after.extend(service.images().filter_map(|image| self.pulls.get(image)));
        for (on, dependency) in &service.depends_on {
            let cause = Cause::NeededBy(name.clone());
            after.extend(self.condition(on, dependency.condition, dependency.required, cause));
        }
        let volumes = self.options.renew_volumes;
        Some(self.draft.add(Operation::RollOut { service: name.clone(), containers, volumes }, cause, after))
    }

    /// The step that waits for a condition; `None` when it is met already, or nothing of the service shall run.
    fn condition(&mut self, on: &'a ServiceName, condition: Condition, required: bool, cause: Cause) -> Option<Node> {
        // To the user, one that has been started and has failed since is none that runs: that is a wait of its own.
        let by_user = cause == Cause::Requested && condition == Condition::ServiceStarted;
        if let Some(node) = self.awaits.get(&(on, condition, required, by_user)) {
            return Some(*node);
        }
        if !self.selection.services.contains_key(on) {
            return None;
        }
        let mut staying =
            self.replicas[on].iter().filter(|replica| !matches!(replica.fate, Fate::Remove(_))).peekable();
        staying.peek()?;
        if staying.all(|replica| meets(replica, condition)) {
            return None;
        }
        let wait = Operation::AwaitCondition { service: on.clone(), condition, required };
        // A replica that leaves may have ended already, and must not be taken for one that failed.
        let leaving = self.replicas[on].iter().filter_map(|replica| match replica.fate {
            Fate::Remove(container) => self.gone.get(&container.id).copied(),
            _ => None,
        });
        let after: Vec<_> = self.started[on].iter().copied().chain(leaving).collect();
        let node = self.draft.add(wait, cause, after);
        self.awaits.insert((on, condition, required, by_user), node);
        Some(node)
    }

    /// `run`: what the service depends on is as it asks for when the plan is done.
    fn await_dependencies(&mut self, name: &'a ServiceName) {
        let Some(service) = self.project.services.get(name) else { return };
        for (on, dependency) in &service.depends_on {
            self.condition(on, dependency.condition, dependency.required, Cause::NeededBy(name.clone()));
        }
    }

    /// `--wait`: a service that others wait on to complete must complete, one with a check be healthy, any other run.
    fn await_everything(&mut self, graph: &DependencyGraph<'a>) {
        let dependencies = self.selection.services.values().flat_map(|service| &service.depends_on);
        let one_shots: BTreeSet<&ServiceName> = dependencies
            .filter(|(_, dependency)| dependency.condition == Condition::ServiceCompletedSuccessfully)
            .map(|(name, _)| name)
            .collect();
        for name in graph.order().iter().copied() {
            let Some(service) = self.selection.services.get(name) else { continue };
            let condition = if one_shots.contains(name) {
                Condition::ServiceCompletedSuccessfully
            } else if has_healthcheck(service, self.observed) == Some(true) {
                Condition::ServiceHealthy
            } else {
                Condition::ServiceStarted
            };
            self.condition(name, condition, true, Cause::Requested);
        }
        // Whether all of them run is looked at when everything else has come to be.
        let (last, others): (Vec<_>, Vec<_>) = self.awaits.iter().partition(|((.., by_user), _)| *by_user);
        for (_, node) in last {
            others.iter().for_each(|(_, earlier)| self.draft.order(**earlier, *node));
        }
    }
}

/// Whether a container that the plan does not touch meets a condition.
fn meets(replica: &Replica, condition: Condition) -> bool {
    let Fate::Keep(container) = replica.fate else { return false };
    match condition {
        Condition::ServiceStarted => true,
        Condition::ServiceHealthy => container.state == ObservedState::Running { health: Health::Healthy },
        Condition::ServiceCompletedSuccessfully => container.state == ObservedState::Exited { code: 0 },
    }
}
