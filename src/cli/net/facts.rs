//! What the records say: who is where, under which addresses and names.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::name::{ContainerId, ContainerName, ProjectName, ServiceName};
use crate::state::NetworkRecord;
use crate::supervisor::Published;

/// The containers and networks of this machine.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Every container, by project and name.
    pub containers: Vec<Container>,
    /// Every network, with the project it belongs to, if any.
    pub networks: Vec<(Option<ProjectName>, NetworkRecord)>,
}

/// A container.
#[derive(Debug, Clone)]
pub struct Container {
    /// Its project.
    pub project: ProjectName,
    /// Its service.
    pub service: ServiceName,
    /// Its id.
    pub id: ContainerId,
    /// Its name.
    pub name: ContainerName,
    /// Whether it runs.
    pub running: bool,
    /// Whose network it has.
    pub place: Place,
    /// Its places on networks, in the order in which names are looked up there.
    pub endpoints: Vec<Endpoint>,
    /// Its published ports, which it has while it runs.
    pub ports: Vec<Published>,
    /// The names it has for services by `links`: alias and service.
    pub links: Vec<(String, String)>,
}

/// Whose network a container has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Its own.
    Own,
    /// That of the machine.
    Host,
    /// That of another container; `None` where that is not there any more.
    Shared(Option<ContainerId>),
}

/// A place on a network.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The network, as an index into [`Facts::networks`].
    pub network: usize,
    /// The container's addresses there.
    pub addresses: Vec<IpAddr>,
    /// What the container calls its end.
    pub interface: String,
    /// The names it is found by there.
    pub names: Vec<String>,
}

/// A name that a container can resolve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The network that knows it.
    pub network: String,
    /// What it leads to.
    pub addresses: Vec<IpAddr>,
}

impl Facts {
    /// The network at `index`.
    #[must_use]
    pub fn network(&self, index: usize) -> &NetworkRecord {
        &self.networks[index].1
    }

    /// The containers of `project`.
    pub fn of<'a>(&'a self, project: &'a ProjectName) -> impl Iterator<Item = &'a Container> {
        self.containers.iter().filter(move |container| container.project == *project)
    }

    /// The networks that `project` has made, and those of others that its containers are on.
    pub fn networks_of<'a>(&'a self, project: &'a ProjectName) -> impl Iterator<Item = &'a NetworkRecord> {
        let is_used = |index: usize| {
            self.of(project).flat_map(|container| &container.endpoints).any(|endpoint| endpoint.network == index)
        };
        let networks = self.networks.iter().enumerate();
        let of = networks.filter(move |(index, (owner, _))| owner.as_ref() == Some(project) || is_used(*index));
        of.map(|(_, (_, record))| record)
    }

    /// The container that `text` names: the first of a service of `project` that runs, else any container by its name or
    /// the beginning of its id.
    #[must_use]
    pub fn find<'a>(&'a self, project: &'a ProjectName, text: &str) -> Option<&'a Container> {
        let of_service = self.of(project).filter(|container| container.service.as_str() == text);
        let by_service = of_service.min_by_key(|container| !container.running);
        let by_name = || self.containers.iter().find(|container| container.name.as_str() == text);
        let is_called = |container: &&Container| text.len() >= 4 && container.id.as_str().starts_with(text);
        by_service.or_else(by_name).or_else(|| self.containers.iter().find(is_called))
    }

    /// The container whose network `container` has: itself, unless it shares that of another one. `None` if that is gone.
    #[must_use]
    pub fn home<'a>(&'a self, container: &'a Container) -> Option<&'a Container> {
        let mut home = container;
        // No chain is longer than there are containers, unless it leads back to itself.
        for _ in 0..=self.containers.len() {
            let Place::Shared(owner) = &home.place else { return Some(home) };
            home = self.containers.iter().find(|other| Some(&other.id) == owner.as_ref())?;
        }
        None
    }

    /// The names that the name server of a container knows, those of its own included: of a name that several of its
    /// networks know, the first has the say. Only what runs is known, and knows. `None` where there is no name server of ours.
    #[must_use]
    pub fn names(&self, container: &Container) -> Option<BTreeMap<String, Known>> {
        let home = self.home(container).filter(|home| {
            container.running && home.running && home.place == Place::Own && !home.endpoints.is_empty()
        })?;
        let mut names: BTreeMap<String, Known> = BTreeMap::new();
        for place in &home.endpoints {
            let network = &self.network(place.network).name;
            let mut here: BTreeMap<String, Vec<IpAddr>> = BTreeMap::new();
            for other in self.containers.iter().filter(|other| other.running) {
                for endpoint in other.endpoints.iter().filter(|endpoint| endpoint.network == place.network) {
                    for name in &endpoint.names {
                        here.entry(name.to_ascii_lowercase()).or_default().extend(&endpoint.addresses);
                    }
                }
            }
            for (name, mut addresses) in here {
                addresses.sort();
                addresses.dedup();
                names.entry(name).or_insert_with(|| Known { network: network.clone(), addresses });
            }
        }
        for (alias, service) in &home.links {
            if let Some(known) = names.get(&service.to_ascii_lowercase()).cloned() {
                names.insert(alias.to_ascii_lowercase(), known);
            }
        }
        Some(names)
    }
}
