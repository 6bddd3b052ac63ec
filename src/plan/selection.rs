//! Which services and networks an `up` is about.

use std::collections::{BTreeMap, BTreeSet};

use super::{Definition, DependencyGraph, Observed, ObservedContainer, PlanError, Recreate, UpOptions};
use crate::compose::model::{Condition, Probe, Project, Service};
use crate::name::{ImageReference, NetworkName, ServiceName, VolumeName};

/// The services and networks that an `up` brings to what the project says.
#[derive(Debug)]
pub(super) struct Selection<'a> {
    pub(super) services: BTreeMap<&'a ServiceName, &'a Service>,
    /// Those of `services` that the user asked for, by name or by naming none.
    pub(super) named: BTreeSet<&'a ServiceName>,
    /// The networks of `services` that are the project's own.
    pub(super) networks: BTreeMap<&'a NetworkName, NetworkFate>,
    /// The volumes of `services` that are the project's own.
    pub(super) volumes: BTreeMap<&'a VolumeName, VolumeFate>,
}

/// What becomes of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NetworkFate {
    Keep,
    Create,
    /// It exists and was made from something else: in these fields.
    Recreate(Vec<String>),
}

/// What becomes of a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum VolumeFate {
    Keep,
    Create,
    /// It exists and was made from something else: in these fields. It stays, for what is in it.
    Changed(Vec<String>),
    /// As [`VolumeFate::Changed`], but its user lets it go.
    Recreate(Vec<String>),
}

impl<'a> Selection<'a> {
    pub(super) fn of(
        project: &'a Project,
        observed: &Observed,
        options: &UpOptions,
        graph: &DependencyGraph<'a>,
    ) -> Result<Self, PlanError> {
        let named = named(project, options)?;
        let mut names = with_needs(&named, options, graph);
        // To make a network or a volume anew, whoever is attached to it must let go and come back: so their services are
        // selected too, which may bring in further ones.
        loop {
            let networks = networks(project, observed, options, &names);
            let volumes = volumes(project, observed, options, &names);
            let attached = attached(project, observed, &networks, &volumes);
            if attached.is_subset(&names) {
                let services = names.into_iter().filter_map(|name| Some((name, project.services.get(name)?))).collect();
                return Ok(Self { services, named, networks, volumes });
            }
            names.extend(attached);
        }
    }

    /// Finds a wait for the health of a service that cannot have any.
    ///
    /// # Errors
    /// [`PlanError::NoHealthcheck`]
    pub(super) fn check_health_conditions(&self, project: &Project, observed: &Observed) -> Result<(), PlanError> {
        for (name, service) in &self.services {
            for (on, dependency) in &service.depends_on {
                let Some(needed) = project.services.get(on).filter(|_| self.services.contains_key(on)) else {
                    continue;
                };
                if dependency.required
                    && dependency.condition == Condition::ServiceHealthy
                    && has_healthcheck(needed, observed) == Some(false)
                {
                    return Err(PlanError::NoHealthcheck { service: (*name).clone(), dependency: on.clone() });
                }
            }
        }
        Ok(())
    }
}

/// Whether a service has a health check, of its own or of its image; `None` when that is for an image to say that is
/// not in the store yet.
pub(super) fn has_healthcheck(service: &Service, observed: &Observed) -> Option<bool> {
    match service.probe() {
        Some(Probe::None) => Some(false),
        Some(Probe::Command(_) | Probe::Shell(_)) => Some(true),
        None if observed.image_healthchecks.contains(&service.image) => Some(true),
        None => {
            let known =
                observed.images.contains_key(&service.image) || matches!(service.image, ImageReference::Rootfs(_));
            known.then_some(false)
        }
    }
}

/// What an `up` is about, by what the user asks for alone: see [`super::concerned`].
pub(super) fn concerned<'a>(
    project: &'a Project,
    options: &UpOptions,
    graph: &DependencyGraph<'a>,
) -> Result<BTreeSet<&'a ServiceName>, PlanError> {
    Ok(with_needs(&named(project, options)?, options, graph))
}

fn with_needs<'a>(
    named: &BTreeSet<&'a ServiceName>,
    options: &UpOptions,
    graph: &DependencyGraph<'a>,
) -> BTreeSet<&'a ServiceName> {
    if options.no_deps { named.clone() } else { graph.with_dependencies(named) }
}

fn named<'a>(project: &'a Project, options: &UpOptions) -> Result<BTreeSet<&'a ServiceName>, PlanError> {
    if options.services.is_empty() {
        return Ok(project.services.keys().collect());
    }
    options
        .services
        .iter()
        .map(|name| match project.services.get_key_value(name) {
            Some((name, _)) => Ok(name),
            None => Err(PlanError::NoSuchService { name: name.clone() }),
        })
        .collect()
}

fn networks<'a>(
    project: &'a Project,
    observed: &Observed,
    options: &UpOptions,
    services: &BTreeSet<&'a ServiceName>,
) -> BTreeMap<&'a NetworkName, NetworkFate> {
    let wanted: BTreeSet<&NetworkName> = services
        .iter()
        .filter_map(|name| project.services.get(*name))
        .flat_map(|service| service.networks.keys())
        .collect();
    let own = project.networks.iter().filter(|(name, network)| wanted.contains(name) && !network.external);
    own.map(|(name, network)| {
        let fate = match observed.networks.get(name) {
            None => NetworkFate::Create,
            Some(_) if options.recreate == Recreate::Never => NetworkFate::Keep,
            Some(definition) => match definition.changes(&Definition::of_network(network)) {
                Some(fields) => NetworkFate::Recreate(fields),
                None => NetworkFate::Keep,
            },
        };
        (name, fate)
    })
    .collect()
}

fn volumes<'a>(
    project: &'a Project,
    observed: &Observed,
    options: &UpOptions,
    services: &BTreeSet<&'a ServiceName>,
) -> BTreeMap<&'a VolumeName, VolumeFate> {
    let wanted: BTreeSet<&VolumeName> = services
        .iter()
        .filter_map(|name| project.services.get(*name))
        .flat_map(|service| service.named_volumes())
        .collect();
    let own = project.volumes.iter().filter(|(key, volume)| wanted.contains(key) && !volume.external);
    own.map(|(key, volume)| {
        // One of another name is another volume, and stays where it is.
        let Some(existing) = observed.volumes.get(key).filter(|existing| existing.name == volume.name) else {
            return (key, VolumeFate::Create);
        };
        let changes = |definition: &Definition| definition.changes(&Definition::of_volume(volume));
        let fate = match existing.definition.as_ref().and_then(changes) {
            Some(_) if options.recreate == Recreate::Never => VolumeFate::Keep,
            Some(fields) if options.recreate_volumes.contains(key) => VolumeFate::Recreate(fields),
            Some(fields) => VolumeFate::Changed(fields),
            None => VolumeFate::Keep,
        };
        (key, fate)
    })
    .collect()
}

/// The services of the project with a container on a network, or with a volume, that is made anew.
fn attached<'a>(
    project: &'a Project,
    observed: &Observed,
    networks: &BTreeMap<&NetworkName, NetworkFate>,
    volumes: &BTreeMap<&VolumeName, VolumeFate>,
) -> BTreeSet<&'a ServiceName> {
    let recreated = |name: &NetworkName| matches!(networks.get(name), Some(NetworkFate::Recreate(_)));
    let emptied = |key: &VolumeName| matches!(volumes.get(key), Some(VolumeFate::Recreate(_)));
    let must_let_go = |container: &&ObservedContainer| {
        container.networks.iter().any(recreated) || container.volumes.iter().any(emptied)
    };
    let containers = observed.containers.iter().filter(must_let_go);
    containers.filter_map(|container| Some(project.services.get_key_value(&container.service)?.0)).collect()
}
