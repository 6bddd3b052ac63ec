//! Who can be found by which name, network by network.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// The names on every network of a project. A plain value: the supervisor changes it as containers come and go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    networks: BTreeMap<String, Network>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Network {
    addresses: BTreeMap<String, Vec<Ipv4Addr>>,
    names: BTreeMap<Ipv4Addr, String>,
}

impl Names {
    /// Lets `name` (a service, an alias, a container, a short id) lead to `address` on `network`. Several addresses
    /// under one name take turns.
    pub fn insert(&mut self, network: &str, name: &str, address: Ipv4Addr) {
        let addresses = self.network(network).addresses.entry(normalised(name)).or_default();
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }

    /// Lets `address` lead back to `name`: the container's, followed by the network's.
    pub fn insert_pointer(&mut self, network: &str, address: Ipv4Addr, name: &str) {
        self.network(network).names.insert(address, normalised(name));
    }

    /// Forgets everything about `address` on `network`.
    pub fn remove(&mut self, network: &str, address: Ipv4Addr) {
        let Some(network) = self.networks.get_mut(network) else { return };
        network.names.remove(&address);
        network.addresses.retain(|_, addresses| {
            addresses.retain(|other| *other != address);
            !addresses.is_empty()
        });
    }

    /// The addresses of `name` on the first of `networks` that knows it.
    #[must_use]
    pub fn addresses(&self, networks: &[String], name: &str) -> Option<&[Ipv4Addr]> {
        let name = normalised(name);
        self.seen_from(networks).find_map(|network| network.addresses.get(&name)).map(Vec::as_slice)
    }

    /// The name of `address` on the first of `networks` that knows it.
    #[must_use]
    pub fn pointer(&self, networks: &[String], address: Ipv4Addr) -> Option<&str> {
        self.seen_from(networks).find_map(|network| network.names.get(&address)).map(String::as_str)
    }

    fn network(&mut self, name: &str) -> &mut Network {
        self.networks.entry(name.to_owned()).or_default()
    }

    fn seen_from<'a, 'b>(&'a self, networks: &'b [String]) -> impl Iterator<Item = &'a Network> + use<'a, 'b> {
        networks.iter().filter_map(|name| self.networks.get(name))
    }
}

/// Names are the same in either case, and with or without the root's dot.
fn normalised(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}
