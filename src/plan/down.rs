//! The plan of `down`.

use std::collections::BTreeSet;

use super::draft::{Draft, Node};
use super::take_down::{Leaving, Then, is_running, take_down};
use super::{Cause, DownOptions, Observed, ObservedContainer, Operation, Plan};
use crate::compose::model::{Project, Service};
use crate::name::VolumeName;

pub(super) fn plan(project: Option<&Project>, observed: &Observed, options: &DownOptions) -> Plan {
    let mut containers: Vec<&ObservedContainer> = observed.containers.iter().collect();
    containers.extend(&observed.one_offs);
    containers.sort_by_key(|container| (&container.service, container.number, &container.name));
    let is_one_off = |container: &ObservedContainer| observed.one_offs.iter().any(|one_off| one_off.id == container.id);
    let orphan = |container: &ObservedContainer| project.is_some_and(|project| is_orphan(project, container));
    let (going, staying): (Vec<_>, Vec<_>) = containers.into_iter().partition(|container| {
        let is_meant = options.services.is_empty() || options.services.contains(&container.service);
        // Somebody may still be working in one that `run` has begun; one that has ended is of no use to anybody.
        if is_one_off(container) && is_meant && !is_running(container) {
            true
        } else if orphan(container) {
            options.remove_orphans
        } else {
            is_meant && (!is_one_off(container) || options.remove_orphans)
        }
    });

    let mut draft = Draft::default();
    let leaving = going.iter().map(|container| Leaving {
        container,
        cause: if orphan(container) { Cause::Orphan } else { Cause::Down },
        then: Then::Remove { volumes: options.volumes },
        after: Vec::new(),
    });
    let gone = take_down(&mut draft, project, observed, leaving.collect(), options.timeout);
    let removals = |uses: &dyn Fn(&ObservedContainer) -> bool| -> Vec<Node> {
        going.iter().filter(|container| uses(container)).map(|container| gone[&container.id]).collect()
    };

    // What a container that stays still uses, stays.
    for network in observed.networks.keys() {
        if !staying.iter().any(|container| container.networks.contains(network)) {
            let after = removals(&|container| container.networks.contains(network));
            draft.add(Operation::RemoveNetwork { network: network.clone() }, Cause::Down, after);
        }
    }
    let declared = project.map(declared_volumes);
    for volume in observed.volumes.keys().filter(|_| options.volumes) {
        let used = staying.iter().any(|container| container.volumes.contains(volume));
        if !used && declared.as_ref().is_none_or(|declared| declared.contains(volume)) {
            let after = removals(&|container| container.volumes.contains(volume));
            draft.add(Operation::RemoveVolume { volume: volume.clone(), name: None }, Cause::Requested, after);
        }
    }
    draft.finish(staying.iter().filter(|container| orphan(container)).map(|container| container.name.clone()).collect())
}

/// Whether a container's service is not in the project, neither active nor switched off.
pub(super) fn is_orphan(project: &Project, container: &ObservedContainer) -> bool {
    !project.services.contains_key(&container.service) && !project.disabled.contains_key(&container.service)
}

/// The volumes that the project may remove. Data is not removed on a guess: a volume that the file does not have any more
/// stays, until `down` runs without a file.
fn declared_volumes(project: &Project) -> BTreeSet<&VolumeName> {
    let active = project.volumes.keys();
    // The loader drops the volumes that only services use which are switched off.
    let switched_off = project.disabled.values().flat_map(Service::named_volumes);
    let external = |name: &&VolumeName| project.volumes.get(*name).is_some_and(|volume| volume.external);
    active.chain(switched_off).filter(|name| !external(name)).collect()
}
