//! Who can be found by which name, network by network.

use std::collections::BTreeMap;
use std::net::IpAddr;

/// The names on every network of a project. A plain value: the supervisor changes it as containers come and go.
///
/// A network goes by its own name, and every name on it is also known with that behind it, after a dot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    networks: BTreeMap<String, Network>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Network {
    addresses: BTreeMap<String, Vec<IpAddr>>,
    names: BTreeMap<IpAddr, String>,
    ports: BTreeMap<String, Vec<NamedPort>>,
}

/// Where a service is offered: what an SRV record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedPort {
    /// The port.
    pub(super) port: u16,
    /// The container, as its address leads back to it.
    pub(super) target: String,
}

impl Names {
    /// Lets `name` (a service, an alias, a container, a short id) lead to `address` on `network`. Several addresses
    /// under one name take turns.
    pub fn insert(&mut self, network: &str, name: &str, address: impl Into<IpAddr>) {
        let addresses = self.network(network).addresses.entry(normalised(name)).or_default();
        let address = address.into();
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }

    /// Lets `address` lead back to the container `name`, followed by the network's name: as it can be found by.
    pub fn insert_pointer(&mut self, network: &str, address: impl Into<IpAddr>, name: &str) {
        let full = qualified(name, network);
        self.network(network).names.insert(address.into(), full);
    }

    /// Lets `service` (`_http._tcp.web`) lead to `port` of the container `name` on `network`.
    pub fn insert_port(&mut self, network: &str, service: &str, port: u16, name: &str) {
        let named = NamedPort { port, target: qualified(name, network) };
        let ports = self.network(network).ports.entry(normalised(service)).or_default();
        if !ports.contains(&named) {
            ports.push(named);
        }
    }

    /// Forgets everything about `address` on `network`.
    pub fn remove(&mut self, network: &str, address: impl Into<IpAddr>) {
        let address = address.into();
        let Some(network) = self.networks.get_mut(&normalised(network)) else { return };
        network.addresses.retain(|_, addresses| {
            addresses.retain(|other| *other != address);
            !addresses.is_empty()
        });
        let Some(target) = network.names.remove(&address) else { return };
        if network.names.values().any(|other| *other == target) {
            // Its address of the other family is still there.
            return;
        }
        network.ports.retain(|_, ports| {
            ports.retain(|port| port.target != target);
            !ports.is_empty()
        });
    }

    /// Whether one of `networks` has the name.
    #[must_use]
    pub fn knows(&self, networks: &[String], name: &str) -> bool {
        self.addresses(networks, &normalised(name)).is_some()
    }

    /// The addresses of `name`, which is normalised, on the first of `networks` that knows it.
    pub(super) fn addresses(&self, networks: &[String], name: &str) -> Option<&[IpAddr]> {
        self.find(networks, name, |network, name| network.addresses.get(name)).map(Vec::as_slice)
    }

    /// Where the service `name`, which is normalised, is offered on the first of `networks` that knows it.
    pub(super) fn ports(&self, networks: &[String], name: &str) -> Option<&[NamedPort]> {
        self.find(networks, name, |network, name| network.ports.get(name)).map(Vec::as_slice)
    }

    /// The name of `address` on the first of `networks` that knows it.
    pub(super) fn pointer(&self, networks: &[String], address: IpAddr) -> Option<&str> {
        self.seen_from(networks).find_map(|(_, network)| network.names.get(&address)).map(String::as_str)
    }

    /// The first find on `networks`, of the name alone or before that of the network.
    fn find<'a, T>(
        &'a self,
        networks: &[String],
        name: &str,
        look: impl Fn(&'a Network, &str) -> Option<&'a T>,
    ) -> Option<&'a T> {
        self.seen_from(networks).find_map(|(_, network)| look(network, name)).or_else(|| {
            self.seen_from(networks)
                .find_map(|(label, network)| look(network, name.strip_suffix(label)?.strip_suffix('.')?))
        })
    }

    fn network(&mut self, name: &str) -> &mut Network {
        self.networks.entry(normalised(name)).or_default()
    }

    fn seen_from<'a>(&'a self, networks: &[String]) -> impl Iterator<Item = (&'a str, &'a Network)> {
        let known = |name: &String| self.networks.get_key_value(&normalised(name));
        let found: Vec<_> = networks.iter().filter_map(known).collect();
        found.into_iter().map(|(name, network)| (name.as_str(), network))
    }
}

/// A name with its network's behind it.
fn qualified(name: &str, network: &str) -> String {
    normalised(&format!("{}.{network}", name.trim_end_matches('.')))
}

/// Names are the same in either case, and with or without the root's dot.
pub(super) fn normalised(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    #[test]
    fn a_name_is_known_alone_and_before_its_network_until_its_addresses_are_gone() {
        let mut names = Names::default();
        let four = Ipv4Addr::new(10, 0, 0, 2);
        let six: Ipv6Addr = "fd00::2".parse().unwrap();
        for address in [IpAddr::from(four), six.into()] {
            names.insert("Shop_Back", "DB.", address);
            names.insert_pointer("Shop_Back", address, "shop-db-1");
        }
        names.insert_port("Shop_Back", "_sql._tcp.db", 5432, "shop-db-1");
        let networks = ["other".to_owned(), "Shop_Back".to_owned()];
        for name in ["db", "db.shop_back"] {
            assert_eq!(names.addresses(&networks, name), Some(&[four.into(), six.into()][..]), "{name}");
        }
        for (networks, name) in [(&networks[..1], "db"), (&networks[..], "dbshop_back"), (&networks[..], ".shop_back")]
        {
            assert_eq!(names.addresses(networks, name), None, "{name}");
        }
        assert_eq!(names.pointer(&networks, six.into()), Some("shop-db-1.shop_back"));
        names.remove("Shop_Back", four);
        assert_eq!(names.ports(&networks, "_sql._tcp.db").map(<[NamedPort]>::len), Some(1), "it has an address yet");
        names.remove("Shop_Back", six);
        assert_eq!(names.addresses(&networks, "db"), None);
        assert_eq!(names.ports(&networks, "_sql._tcp.db"), None);
    }
}
