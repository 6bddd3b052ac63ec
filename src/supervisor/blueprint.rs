//! What the kernel is to have for a project, from its records alone: for who compares.

use std::net::IpAddr;

use super::endpoint::Networks as _;
use super::failure::Failure;
use super::observe::Record;
use super::start::{host_interface, link_number};
use super::{network, publish};
use crate::name::{ContainerName, ProjectName, ServiceName};
use crate::network::{Cable, Firewall};
use crate::state::{NetworkRecord, PublishedPort};

/// A container that runs, with the ports that are published for it.
#[derive(Debug)]
pub struct Running<'a> {
    /// What it was made from.
    pub record: &'a Record,
    /// Its published ports.
    pub ports: &'a [PublishedPort],
}

/// What the kernel is to have.
#[derive(Debug)]
pub struct Blueprint {
    /// The bridges, and the rules.
    pub firewall: Firewall,
    /// What connects the containers that run.
    pub cables: Vec<Laid>,
}

/// What connects a container to a network.
#[derive(Debug)]
pub struct Laid {
    /// The name of the container.
    pub container: ContainerName,
    /// Its service.
    pub service: ServiceName,
    /// That of the network.
    pub network: String,
    /// The connection.
    pub cable: Cable,
}

/// A published port with where it leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The port.
    pub port: PublishedPort,
    /// The container's address that the firewall sends to.
    pub forward: Option<IpAddr>,
    /// The one that a relay connects to.
    pub relay: Option<IpAddr>,
}

impl Published {
    /// Where the ports of a container of a project with these `networks` lead.
    #[must_use]
    pub fn of(networks: &Vec<NetworkRecord>, running: &Running<'_>) -> Vec<Self> {
        let published = |port: &PublishedPort| {
            let (forward, relay) = publish::destinations(networks, running.record, port);
            Self { port: port.clone(), forward, relay }
        };
        running.ports.iter().map(published).collect()
    }
}

/// What the kernel is to have for `project`, which has these `networks`, as long as these containers run.
///
/// # Errors
/// [`Failure`] for a record that holds no subnet where one should be.
pub fn blueprint(
    project: &ProjectName,
    networks: &Vec<NetworkRecord>,
    running: &[Running<'_>],
) -> Result<Blueprint, Failure> {
    let bridges = networks.iter().filter(|record| record.has_bridge()).map(network::bridge);
    let forwards = running.iter().flat_map(|of| publish::forwards(networks, of.record, of.ports));
    let laid = |of: &Running<'_>| -> Vec<Laid> {
        let endpoints = of.record.endpoints.iter().enumerate();
        let cable = |(index, endpoint): (usize, &crate::state::EndpointRecord)| {
            let network = networks.network(&endpoint.network)?;
            let interface = host_interface(&of.record.id, link_number(of.record, index));
            let cable = network::cable(&network, interface);
            Some(Laid {
                container: of.record.name.clone(),
                service: of.record.service.clone(),
                network: network.name,
                cable,
            })
        };
        endpoints.filter_map(cable).collect()
    };
    Ok(Blueprint {
        firewall: Firewall {
            project: project.to_string(),
            bridges: bridges.collect::<Result<_, _>>()?,
            forwards: forwards.collect(),
        },
        cables: running.iter().flat_map(laid).collect(),
    })
}
