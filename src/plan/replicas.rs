//! What becomes of each container of a service.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::selection::{NetworkFate, Selection, VolumeFate};
use super::{
    Cause, Definition, DependencyGraph, Observed, ObservedContainer, ObservedState, PlanError, Recreate, UpOptions,
    is_name_of, service_hash,
};
use crate::compose::model::{Condition, NetworkMode, Project, Service};
use crate::name::{ServiceName, VolumeName};

/// A container of a service, as it is or shall be.
#[derive(Debug)]
pub(super) struct Replica<'a> {
    /// From 1.
    pub(super) number: u32,
    pub(super) fate: Fate<'a>,
}

/// What becomes of a container.
#[derive(Debug)]
pub(super) enum Fate<'a> {
    /// It runs as it should, or has done what it is for.
    Keep(&'a ObservedContainer),
    /// There is none yet.
    Create,
    /// It is as it should be, but does not run.
    Start,
    /// It runs as it should, but what it depends on changed under it.
    Restart(&'a ObservedContainer, Cause),
    /// It is not as it should be.
    Recreate(&'a ObservedContainer, Cause),
    /// There is one too many.
    Remove(&'a ObservedContainer),
}

/// Decides for every selected service, and for those that restart together with one.
pub(super) fn decide<'a>(
    project: &'a Project,
    observed: &'a Observed,
    options: &UpOptions,
    graph: &DependencyGraph<'a>,
    selection: &Selection<'a>,
) -> Result<BTreeMap<&'a ServiceName, Vec<Replica<'a>>>, PlanError> {
    let mut decided: BTreeMap<&ServiceName, Vec<Replica>> = BTreeMap::new();
    let mut interrupted = BTreeSet::new();
    let mut started = BTreeSet::new();
    let mut recreated = BTreeSet::new();
    for name in graph.order().iter().copied() {
        let service = &project.services[name];
        let selected = selection.services.contains_key(name);
        let mut replicas = if options.one_off.as_ref() == Some(name) {
            Vec::new()
        } else if selected {
            of_service(project, name, service, observed, options, selection)?
        } else {
            running(name, observed)
        };
        // What is stopped would not be started again.
        if !options.no_start && (selected || !options.no_deps) {
            restart_with_dependencies(service, &mut replicas, &interrupted);
            follow_namespaces(service, &mut replicas, &started);
        }
        if selected && options.recreate != Recreate::Never {
            recreate_with_shared(service, &mut replicas, &recreated);
        }
        if replicas.iter().any(|replica| matches!(replica.fate, Fate::Recreate(..))) {
            recreated.insert(name);
        }
        if replicas.iter().any(|replica| !matches!(replica.fate, Fate::Keep(_) | Fate::Remove(_))) {
            started.insert(name);
        }
        if replicas.iter().any(|replica| matches!(replica.fate, Fate::Recreate(..) | Fate::Restart(..))) {
            interrupted.insert(name);
        } else if !selected {
            continue;
        }
        decided.insert(name, replicas);
    }
    Ok(decided)
}

fn of_service<'a>(
    project: &Project,
    name: &ServiceName,
    service: &Service,
    observed: &'a Observed,
    options: &UpOptions,
    selection: &Selection,
) -> Result<Vec<Replica<'a>>, PlanError> {
    if let Some(fixed) = service.container_name.as_ref().filter(|_| service.replicas() > 1) {
        return Err(PlanError::NameOfMany { service: name.clone(), name: fixed.clone(), scale: service.replicas() });
    }
    if let Some(ports) = too_few_ports(service) {
        return Err(PlanError::PortOfMany { service: name.clone(), ports, scale: service.replicas() });
    }
    let hash = service_hash(project, service);
    let mut existing: Vec<(&ObservedContainer, Option<Cause>)> = containers(name, observed)
        .map(|container| {
            let unfinished = !is_name_of(&container.name, project, name, service, container.number);
            let divergence = divergence(container, (project, service, &hash), observed, selection);
            (container, divergence.or(unfinished.then_some(Cause::Unfinished)))
        })
        .collect();

    // Too many: those that would be recreated anyway go first, then the highest numbers.
    existing.sort_by_key(|(container, divergence)| (Reverse(divergence.is_some()), Reverse(container.number)));
    let scale = usize::try_from(service.replicas()).unwrap_or(usize::MAX);
    let staying = existing.split_off(existing.len().saturating_sub(scale));
    let surplus = existing.into_iter().map(|(container, _)| (container, Fate::Remove(container)));

    // A one-shot that others wait on is done once it has succeeded: it runs again when it changed or is asked for.
    let has_completed = is_one_shot(project, name) && !options.services.contains(name);
    let forced = match selection.named.contains(name) {
        true => options.recreate == Recreate::Force,
        false => options.recreate_dependencies,
    };
    let kept = staying.into_iter().map(|(container, divergence)| {
        let fate = match (options.recreate, divergence, container.state) {
            (Recreate::Diverged | Recreate::Force, Some(cause), _) => Fate::Recreate(container, cause),
            (_, _, _) if forced => Fate::Recreate(container, Cause::Requested),
            (_, _, ObservedState::Running { .. }) => Fate::Keep(container),
            (_, _, ObservedState::Exited { code: 0 }) if has_completed => Fate::Keep(container),
            (_, _, ObservedState::Created | ObservedState::Exited { .. }) => Fate::Start,
        };
        (container, fate)
    });
    let mut replicas: Vec<Replica> =
        surplus.chain(kept).map(|(container, fate)| Replica { number: container.number, fate }).collect();
    replicas.sort_by_key(|replica| replica.number);

    // Too few: numbers go on after the highest, gaps stay.
    let next = replicas.last().map_or(1, |replica| replica.number + 1);
    let missing = service.replicas().saturating_sub(u32::try_from(replicas.len()).unwrap_or(u32::MAX));
    replicas.extend((next..next + missing).map(|number| Replica { number, fate: Fate::Create }));
    Ok(replicas)
}

/// Ports of the machine that the service publishes and that are not enough for all of its containers.
fn too_few_ports(service: &Service) -> Option<(u16, u16)> {
    let published = service.ports.iter().filter_map(|port| port.published);
    let mut few = published.filter(|(first, last)| u32::from(last.saturating_sub(*first)) + 1 < service.replicas());
    // Without a network of its own a container publishes nothing.
    let is_elsewhere = matches!(
        service.network_mode,
        Some(NetworkMode::None | NetworkMode::Host | NetworkMode::Service(_) | NetworkMode::Container(_))
    );
    few.next().filter(|_| !is_elsewhere)
}

/// Whether some service waits for this one to complete.
fn is_one_shot(project: &Project, name: &ServiceName) -> bool {
    let waits = |service: &Service| {
        let dependency = service.depends_on.get(name);
        dependency.is_some_and(|dependency| dependency.condition == Condition::ServiceCompletedSuccessfully)
    };
    project.services.values().any(waits)
}

/// Why a container is not what the project says.
fn divergence(
    container: &ObservedContainer,
    (project, service, hash): (&Project, &Service, &str),
    observed: &Observed,
    selection: &Selection,
) -> Option<Cause> {
    if container.definition.hash != hash
        && let Some(fields) = container.definition.changes(&Definition::of_service(project, service))
    {
        return Some(Cause::ConfigChanged(fields));
    }
    if observed.images.get(&service.image).is_some_and(|id| *id != container.image) {
        return Some(Cause::ImageChanged);
    }
    let is_other = |(image, id): (_, &String)| observed.images.get(image).is_some_and(|now| now != id);
    if container.mounted_images.iter().any(is_other) {
        return Some(Cause::ImageChanged);
    }
    let running = matches!(container.state, ObservedState::Running { .. });
    let lost = service.networks.keys().find(|network| match selection.networks.get(network) {
        Some(NetworkFate::Recreate(_)) => true,
        // One that does not run is attached when it starts.
        Some(NetworkFate::Create) => running,
        Some(NetworkFate::Keep) | None => false,
    });
    // As docker compose has it: one that somebody took off a network of its service is made anew.
    let taken_off = || service.networks.keys().find(|network| !container.networks.contains(*network));
    let taken_off = || taken_off().map(|network| Cause::Disconnected(network.clone()));
    let emptied = |key: &&VolumeName| matches!(selection.volumes.get(key), Some(VolumeFate::Recreate(_)));
    let emptied = || container.volumes.iter().find(emptied).map(|volume| Cause::VolumeRecreated(volume.clone()));
    lost.map(|network| Cause::NetworkRecreated(network.clone())).or_else(emptied).or_else(taken_off)
}

/// `depends_on.restart`: what runs restarts when what it depends on was interrupted.
fn restart_with_dependencies(service: &Service, replicas: &mut [Replica], interrupted: &BTreeSet<&ServiceName>) {
    let mut restarting = service.depends_on.iter().filter(|(_, dependency)| dependency.restart);
    let Some((dependency, _)) = restarting.find(|(name, _)| interrupted.contains(name)) else { return };
    for replica in replicas {
        if let Fate::Keep(container) = replica.fate {
            replica.fate = Fate::Restart(container, Cause::DependencyRecreated(dependency.clone()));
        }
    }
}

/// Whoever runs in a namespace of a container that is started now is in that of its last run, which ended with it.
fn follow_namespaces(service: &Service, replicas: &mut [Replica], started: &BTreeSet<&ServiceName>) {
    let Some(other) = started.iter().find(|other| service.joins(other)) else { return };
    for replica in replicas {
        if let Fate::Keep(container) = replica.fate
            && matches!(container.state, ObservedState::Running { .. })
        {
            replica.fate = Fate::Restart(container, Cause::SharesWith((*other).clone()));
        }
    }
}

/// A container that shares with one that is made anew is made anew too, as Docker Compose does: what it shares has got
/// another owner.
fn recreate_with_shared(service: &Service, replicas: &mut [Replica], recreated: &BTreeSet<&ServiceName>) {
    let Some(other) = recreated.iter().find(|other| service.shares_with(other)) else { return };
    for replica in replicas {
        match replica.fate {
            Fate::Keep(container) | Fate::Restart(container, _) => {
                replica.fate = Fate::Recreate(container, Cause::SharesWith((*other).clone()));
            }
            Fate::Create | Fate::Start | Fate::Recreate(..) | Fate::Remove(_) => {}
        }
    }
}

fn running<'a>(name: &ServiceName, observed: &'a Observed) -> Vec<Replica<'a>> {
    containers(name, observed)
        .filter(|container| matches!(container.state, ObservedState::Running { .. }))
        .map(|container| Replica { number: container.number, fate: Fate::Keep(container) })
        .collect()
}

fn containers<'a>(name: &ServiceName, observed: &'a Observed) -> impl Iterator<Item = &'a ObservedContainer> {
    let mut containers: Vec<_> = observed.containers.iter().filter(|container| container.service == *name).collect();
    containers.sort_by_key(|container| container.number);
    containers.into_iter()
}
