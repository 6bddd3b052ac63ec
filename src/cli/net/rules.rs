//! What the rules of one network are: who is kept from whom, and whether this machine is in it.

use std::net::IpAddr;

use super::verdict::Obstacle;
use crate::network::Subnet;
use crate::state::{LinkRecord, NetworkRecord, PoolRecord};

/// What keeps the containers of one network from one another.
pub(super) fn separation(network: &NetworkRecord) -> Option<Obstacle> {
    let name = &network.name;
    match &network.link {
        LinkRecord::Bridge if network.isolated => Some(
            Obstacle::new(format!(
                "network {name} keeps its containers apart: com.docker.network.bridge.enable_icc is off"
            ))
            .rule(format!("the ports of bridge {} are isolated from one another", network.bridge))
            .remedy("take the option away, or put both on another network"),
        ),
        LinkRecord::Macvlan { mode: Some(mode), .. } if mode == "private" => Some(private(network, "macvlan_mode")),
        LinkRecord::Ipvlan { flag: Some(flag), .. } if flag == "private" => Some(private(network, "ipvlan_flag")),
        _ => None,
    }
}

fn private(network: &NetworkRecord, option: &str) -> Obstacle {
    Obstacle::new(format!("network {} keeps its containers apart: {option} is private", network.name))
        .rule(format!("a private {}", network.driver()))
        .remedy("take the option away, or put both on another network")
}

/// Whether its containers reach one another by way of the switch outside.
pub(super) fn is_vepa(network: &NetworkRecord, mode: Option<&str>) -> bool {
    matches!(&network.link, LinkRecord::Ipvlan { flag: Some(flag), .. } if flag == "vepa") || mode == Some("vepa")
}

/// The machine is not in this network.
pub(super) fn cut_off(network: &NetworkRecord) -> Obstacle {
    let why = format!("this machine is not in network {}", network.name);
    let rule = match network.link {
        LinkRecord::Bridge => format!("bridge {} has no address", network.bridge),
        LinkRecord::Macvlan { .. } | LinkRecord::Ipvlan { .. } => {
            format!("{}: the kernel keeps such links from the machine they are on", network.driver())
        }
    };
    Obstacle::new(why).rule(rule)
}

/// Which of its pools an address is from.
pub(super) fn pool(network: &NetworkRecord, address: IpAddr) -> Option<&PoolRecord> {
    network.pools.iter().find(|pool| pool.subnet.parse::<Subnet>().is_ok_and(|subnet| subnet.contains(address)))
}

/// The address that this machine has in the subnet of `address`.
pub(super) fn gateway(network: &NetworkRecord, address: IpAddr) -> Option<IpAddr> {
    pool(network, address)?.gateway
}

/// Whether this machine reaches a container at `address`.
pub(super) fn has_host(network: &NetworkRecord, address: IpAddr) -> bool {
    network.link == LinkRecord::Bridge && gateway(network, address).is_some()
}

/// Those of its subnets that let everything in.
pub(super) fn open_subnets(network: &NetworkRecord) -> String {
    network.pools.iter().filter(|pool| pool.unprotected).map(|pool| pool.subnet.as_str()).collect::<Vec<_>>().join(", ")
}
