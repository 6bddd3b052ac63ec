//! A container's places on its networks: addresses, names, and which of them leads out.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::rc::Rc;

use super::failure::{Failure, FailureKind};
use super::network::address_pools;
use super::observe::Record;
use super::world::World;
use crate::compose::model::{Attachment, MacAddress, Service};
use crate::name::{ContainerId, ContainerName, NetworkName, ServiceName};
use crate::network::{self, AddressPool, IpFamily};
use crate::state::{EndpointRecord, NetworkRecord};

/// The container's place on each of its networks, in the order in which it is attached: the first is `eth0`, has the
/// hardware address of the service, and its order is that of `priority`.
pub(super) fn endpoints(
    world: &World,
    service: &ServiceName,
    config: &Service,
    name: &ContainerName,
    id: &ContainerId,
) -> Result<Vec<EndpointRecord>, Failure> {
    let mut attachments: Vec<(&NetworkName, &Attachment)> = config.networks.iter().collect();
    attachments.sort_by_key(|(key, attachment)| (Reverse(attachment.priority), *key));
    let mut endpoints: Vec<EndpointRecord> = Vec::new();
    let given: Vec<&str> = config.networks.values().filter_map(Attachment::interface).collect();
    for (key, attachment) in attachments {
        let place = Place { service, name, id, taken: &endpoints, given: &given };
        endpoints.push(new_endpoint(world, &place, key, attachment)?);
    }
    if let (Some(first), Some(MacAddress(octets))) = (endpoints.first_mut(), config.mac_address) {
        first.mac = octets;
    }
    Ok(endpoints)
}

/// A further place of a container that exists.
pub(super) fn endpoint(
    world: &World,
    record: &Record,
    key: &NetworkName,
    attachment: &Attachment,
) -> Result<EndpointRecord, Failure> {
    let Record { service, name, id, endpoints, .. } = record;
    let given: Vec<&str> = attachment.interface().into_iter().collect();
    if let Some(taken) = endpoints.iter().find(|endpoint| given.contains(&endpoint.interface.as_str())) {
        let message = format!("{name} has an interface called {} already", taken.interface);
        return Err(Failure::new(FailureKind::Plan, message));
    }
    new_endpoint(world, &Place { service, name, id, taken: endpoints, given: &given }, key, attachment)
}

/// The container that gets a place on a network.
struct Place<'a> {
    service: &'a ServiceName,
    name: &'a ContainerName,
    id: &'a ContainerId,
    /// Its other places.
    taken: &'a [EndpointRecord],
    /// The names that somebody has given to interfaces of it.
    given: &'a [&'a str],
}

fn new_endpoint(
    world: &World,
    place: &Place<'_>,
    key: &NetworkName,
    attachment: &Attachment,
) -> Result<EndpointRecord, Failure> {
    let Place { service, name, id, taken, given } = *place;
    let network = world.network(key).ok_or_else(|| {
        Failure::new(FailureKind::System, format!("network {key} of service {service} does not exist"))
    })?;
    let addresses = addresses(world, key, &network, attachment)
        .map_err(|failure| failure.because_of(format!("no address for {name} on network {}", network.name)))?;
    let mut names = vec![service.to_string(), name.to_string(), id.short().to_owned()];
    names.extend(attachment.aliases.iter().cloned());
    let mac = match (attachment.mac_address, addresses.first()) {
        (Some(MacAddress(octets)), _) => octets,
        (None, Some(address)) => network::mac_address(*address),
        (None, None) => network::mac_address(IpAddr::from([0, 0, 0, 0])),
    };
    let interface = attachment.interface().map_or_else(
        || free_interface(network.interface_prefix.as_deref().unwrap_or("eth"), given, taken),
        str::to_owned,
    );
    let link_local = attachment.link_local_ips.clone();
    let external = world.externals().contains_key(key).then(|| network.name.clone());
    Ok(EndpointRecord { network: key.clone(), addresses, external, link_local, mac, link: None, interface, names })
}

/// The first name that begins with `prefix` and is neither `given` to another interface nor taken.
pub(super) fn free_interface(prefix: &str, given: &[&str], taken: &[EndpointRecord]) -> String {
    let mut names = (0..).map(|number| format!("{prefix}{number}"));
    let is_free =
        |name: &String| !given.contains(&name.as_str()) && taken.iter().all(|endpoint| endpoint.interface != *name);
    names.find(is_free).expect("there are more numbers than interfaces")
}

/// An address of each family that the network has: the one asked for, else the lowest free one of the first pool that has
/// any left.
pub(super) fn addresses(
    world: &World,
    key: &NetworkName,
    network: &NetworkRecord,
    attachment: &Attachment,
) -> Result<Vec<IpAddr>, Failure> {
    let pools = address_pools(network)?;
    let mut used = world.used_addresses(key);
    used.extend(super::shared::used_addresses(world, &network.name)?);
    let wanted = [attachment.ipv4_address.map(IpAddr::from), attachment.ipv6_address.map(IpAddr::from)];
    let mut addresses = Vec::new();
    for (family, wanted) in [IpFamily::V4, IpFamily::V6].into_iter().zip(wanted) {
        let pools: Vec<&AddressPool> = pools.iter().filter(|pool| pool.subnet.family() == family).collect();
        if let Some(address) = wanted {
            admit(&pools, &used, address).map_err(|why| Failure::new(FailureKind::Plan, format!("{address} {why}")))?;
            addresses.push(address);
        } else if let Some((last, others)) = pools.split_last() {
            let free = others.iter().find_map(|pool| pool.choose(&used).ok()).map_or_else(|| last.choose(&used), Ok);
            addresses.push(free.map_err(|error| Failure::from_error(FailureKind::System, &error))?);
        }
    }
    Ok(addresses)
}

/// Whether a container may have `address`; else why not.
fn admit(pools: &[&AddressPool], used: &BTreeSet<IpAddr>, address: IpAddr) -> Result<(), String> {
    let Some(pool) = pools.iter().find(|pool| pool.subnet.is_host(address)) else {
        let subnets: Vec<String> = pools.iter().map(|pool| pool.subnet.to_string()).collect();
        return Err(if subnets.is_empty() {
            format!("is of {}, which the network does not have", IpFamily::of(address))
        } else {
            format!("is not in {}", subnets.join(" or "))
        });
    };
    if pool.gateway == Some(address) {
        Err("is that of the gateway".to_owned())
    } else if pool.reserved.contains(&address) {
        Err("is reserved by `aux_addresses`".to_owned())
    } else if used.contains(&address) {
        Err("is taken by another container".to_owned())
    } else {
        Ok(())
    }
}

/// Where the networks of a project are looked up.
pub(super) trait Networks {
    /// The record of one.
    fn network(&self, key: &NetworkName) -> Option<NetworkRecord>;
}

impl Networks for World {
    fn network(&self, key: &NetworkName) -> Option<NetworkRecord> {
        self.network(key)
    }
}

impl<N: Networks> Networks for Rc<N> {
    fn network(&self, key: &NetworkName) -> Option<NetworkRecord> {
        (**self).network(key)
    }
}

impl Networks for Vec<NetworkRecord> {
    fn network(&self, key: &NetworkName) -> Option<NetworkRecord> {
        self.iter().find(|record| record.key == *key).cloned()
    }
}

/// Which endpoint leads out by `family`: of those with a gateway the one of the highest `gw_priority`, else the first.
pub(super) fn way_out(networks: &impl Networks, record: &Record, family: IpFamily) -> Option<usize> {
    let leads_out = |(_, endpoint): &(usize, &EndpointRecord)| gateway(networks, endpoint, family).is_some();
    let candidates = record.endpoints.iter().enumerate().filter(leads_out);
    let priority = |endpoint: &EndpointRecord| {
        record.config.service.networks.get(&endpoint.network).map_or(0, |attachment| attachment.gw_priority)
    };
    candidates.min_by_key(|(_, endpoint)| Reverse(priority(endpoint))).map(|(index, _)| index)
}

/// What an endpoint routes through by `family`, if its network leads out: the gateway of the pool that its address is from.
pub(super) fn gateway(networks: &impl Networks, endpoint: &EndpointRecord, family: IpFamily) -> Option<IpAddr> {
    let network = networks.network(&endpoint.network).filter(|network| !network.internal)?;
    let address = endpoint.addresses.iter().find(|address| IpFamily::of(**address) == family)?;
    let pools = address_pools(&network).ok()?;
    pools.iter().find(|pool| pool.subnet.contains(*address))?.gateway
}
