//! Addresses, names and options of networks that cannot be had, seen from the file alone: found before anything is made,
//! each with its place.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::compose::model::network_options::{
    self as options, GatewayMode, boolean, invalid_link_name, is_interface_sysctl,
};
use crate::compose::model::{MacAddress, Prefix};
use crate::compose::node::{Entry, Mapping, Node};
use crate::compose::report::Origin;

/// A value that cannot be had.
pub(super) struct Mistake {
    pub(super) section: &'static str,
    pub(super) element: String,
    pub(super) at: Origin,
    pub(super) path: String,
    pub(super) reason: String,
    /// What it clashes with.
    pub(super) other: Option<(Origin, &'static str)>,
}

/// All of them.
pub(super) fn mistakes(tree: &Node) -> Vec<Mistake> {
    let mut found = Found(Vec::new());
    let networks = read_networks(tree, &mut found);
    overlaps(&networks, &mut found);
    for (name, entry) in entries(tree.get("services")) {
        service(name, &entry.value, &networks, &mut found);
    }
    twice(tree, &mut found);
    found.0
}

struct Found(Vec<Mistake>);

impl Found {
    fn add(&mut self, section: &'static str, element: &str, at: Origin, path: String, reason: impl Into<String>) {
        let (element, reason) = (element.to_owned(), reason.into());
        self.0.push(Mistake { section, element, at, path, reason, other: None });
    }

    fn clash(
        &mut self,
        section: &'static str,
        element: &str,
        at: Origin,
        path: String,
        reason: String,
        other: (Origin, &'static str),
    ) {
        self.0.push(Mistake { section, element: element.to_owned(), at, path, reason, other: Some(other) });
    }
}

/// A network of the file, as far as its addresses go.
struct Network<'a> {
    key: &'a str,
    pools: Vec<Pool>,
    is_external: bool,
    /// Whether it has addresses of IPv4, and of IPv6.
    has: [bool; 2],
}

struct Pool {
    subnet: Prefix,
    at: Origin,
    path: String,
    gateway: Option<IpAddr>,
    reserved: Vec<IpAddr>,
}

fn entries(node: Option<&Node>) -> impl Iterator<Item = (&str, &Entry)> {
    node.and_then(Node::entries).into_iter().flat_map(Mapping::iter).map(|(key, entry)| (key.as_str(), entry))
}

/// A value that says something, read; what is no such value at all, the decoding reports.
fn read<T: std::str::FromStr>(node: Option<&Node>) -> Option<(T, Origin)> {
    let node = node?;
    Some((node.text().filter(|text| !text.is_empty())?.parse().ok()?, node.origin))
}

fn read_networks<'a>(tree: &'a Node, found: &mut Found) -> Vec<Network<'a>> {
    let mut networks = Vec::new();
    for (key, entry) in entries(tree.get("networks")) {
        let node = &entry.value;
        driver_options(key, node, found);
        let configs = node.get("ipam").and_then(|ipam| ipam.get("config")).map(Node::items).unwrap_or_default();
        let pools: Vec<Pool> =
            configs.iter().enumerate().filter_map(|(index, config)| pool(key, index, config, found)).collect();
        let enabled = |key: &str| node.text_of(key).and_then(boolean);
        let has_ipv6 = pools.iter().any(|pool| pool.subnet.address.is_ipv6());
        let has = [enabled("enable_ipv4").unwrap_or(true), enabled("enable_ipv6").unwrap_or(has_ipv6)];
        if has == [false, false] {
            let at =
                entries(Some(node)).find(|(key, _)| *key == "enable_ipv4").map_or(entry.key, |(_, entry)| entry.key);
            found.add(
                "networks",
                key,
                at,
                format!("networks.{key}.enable_ipv4"),
                "a network has addresses of IPv4, of IPv6, or of both",
            );
        }
        networks.push(Network { key, pools, is_external: node.is_true("external"), has });
    }
    networks
}

/// One of `ipam.config`: everything in it is in the subnet.
fn pool(network: &str, index: usize, config: &Node, found: &mut Found) -> Option<Pool> {
    let path = |key: &str| format!("networks.{network}.ipam.config[{index}].{key}");
    let Some((subnet, at)) = read::<Prefix>(config.get("subnet")) else {
        if let Some((key, entry)) =
            entries(Some(config)).find(|(key, _)| matches!(*key, "gateway" | "ip_range" | "aux_addresses"))
        {
            found.add("networks", network, entry.key, path(key), "it needs a `subnet` beside it");
        }
        return None;
    };
    if subnet.network() != subnet {
        let reason = format!("it is an address in a network: the subnet is `{}`", subnet.network());
        found.add("networks", network, at, path("subnet"), reason);
        return None;
    }
    if let Some((range, at)) = read::<Prefix>(config.get("ip_range"))
        && !(subnet.contains(range.address) && range.length >= subnet.length)
    {
        found.add("networks", network, at, path("ip_range"), format!("it is not a part of the subnet {subnet}"));
    }
    let gateway = read::<IpAddr>(config.get("gateway"));
    let mut reserved = Vec::new();
    for (name, entry) in entries(config.get("aux_addresses")) {
        let Some((address, at)) = read::<IpAddr>(Some(&entry.value)) else { continue };
        let path = path(&format!("aux_addresses.{name}"));
        if !subnet.contains(address) {
            found.add("networks", network, at, path, format!("it is not in the subnet {subnet}"));
        } else if let Some((_, other)) = gateway.filter(|(gateway, _)| *gateway == address) {
            found.clash("networks", network, at, path, "it is that of the gateway".to_owned(), (other, "the gateway"));
        }
        reserved.push(address);
    }
    if let Some((gateway, at)) = gateway.filter(|(gateway, _)| !subnet.contains(*gateway)) {
        let reason = format!("the gateway {gateway} is not in the subnet {subnet}");
        found.add("networks", network, at, path("gateway"), reason);
    }
    Some(Pool { subnet, at, path: path("subnet"), gateway: gateway.map(|(gateway, _)| gateway), reserved })
}

/// No two subnets of the file share an address.
fn overlaps(networks: &[Network<'_>], found: &mut Found) {
    let mut earlier: Vec<(&str, &Pool)> = Vec::new();
    for (network, pool) in networks.iter().flat_map(|network| network.pools.iter().map(|pool| (network.key, pool))) {
        if let Some((of, other)) = earlier.iter().find(|(_, other)| other.subnet.overlaps(&pool.subnet)) {
            let reason = format!("it overlaps {} of network `{of}`", other.subnet);
            found.clash("networks", network, pool.at, pool.path.clone(), reason, (other.at, "the other subnet"));
        }
        earlier.push((network, pool));
    }
}

fn driver_options(network: &str, node: &Node, found: &mut Found) {
    for (option, entry) in entries(node.get("driver_opts")) {
        let Some(text) = entry.value.text().filter(|text| !text.is_empty()) else { continue };
        let number = |range: std::ops::RangeInclusive<u32>| text.parse().is_ok_and(|number| range.contains(&number));
        let reason = match option {
            options::BRIDGE_NAME => invalid_link_name(text),
            options::INTERFACE_PREFIX => invalid_link_name(&format!("{text}99")),
            options::ICC | options::MASQUERADE => boolean(text).is_none().then_some("it is `true` or `false`"),
            options::HOST_BINDING => {
                text.parse::<std::net::Ipv4Addr>().is_err().then_some("it is an IPv4 address of this machine")
            }
            options::MTU => (!number(68..=65535)).then_some("it is a number of bytes from 68 to 65535"),
            options::GATEWAY_MODE_IPV4 | options::GATEWAY_MODE_IPV6 => match text.parse::<GatewayMode>() {
                Err(()) => Some("it is `nat`, `nat-unprotected`, `routed` or `isolated`"),
                Ok(GatewayMode::Isolated) if !node.is_true("internal") => {
                    Some("only a network with `internal: true` can be `isolated`")
                }
                Ok(_) => None,
            },
            options::MACVLAN_MODE => (!matches!(text, "bridge" | "private" | "vepa" | "passthru"))
                .then_some("it is `bridge`, `private`, `vepa` or `passthru`"),
            options::IPVLAN_MODE => (!matches!(text, "l2" | "l3" | "l3s")).then_some("it is `l2`, `l3` or `l3s`"),
            options::IPVLAN_FLAG => {
                (!matches!(text, "bridge" | "private" | "vepa")).then_some("it is `bridge`, `private` or `vepa`")
            }
            _ => None,
        };
        if let Some(reason) = reason {
            found.add(
                "networks",
                network,
                entry.value.origin,
                format!("networks.{network}.driver_opts.{option}: {text}"),
                reason,
            );
        }
    }
}

/// What a service wants of its networks.
fn service(name: &str, node: &Node, networks: &[Network<'_>], found: &mut Found) {
    if let Some((mac, at)) = read::<MacAddress>(node.get("mac_address")) {
        mac_address(mac, at, name, format!("services.{name}.mac_address"), found);
    }
    if let Some(mode) = node.get("network_mode")
        && let Some(text) = mode.text()
        && !text.contains(':')
        && crate::name::NetworkName::new(text).is_err()
    {
        found.add(
            "services",
            name,
            mode.origin,
            format!("services.{name}.network_mode: {text}"),
            "it is no name of a network",
        );
    }
    let mut interfaces: BTreeMap<String, Origin> = BTreeMap::new();
    for (key, entry) in entries(node.get("networks")) {
        let path = |what: &str| format!("services.{name}.networks.{key}.{what}");
        let attachment = &entry.value;
        if let Some((mac, at)) = read::<MacAddress>(attachment.get("mac_address")) {
            mac_address(mac, at, name, path("mac_address"), found);
        }
        for address in attachment.get("link_local_ips").map(Node::items).unwrap_or_default() {
            let Some((ip, at)) = read::<IpAddr>(Some(address)) else { continue };
            let is_link_local = match ip {
                IpAddr::V4(ip) => ip.is_link_local(),
                IpAddr::V6(ip) => ip.is_unicast_link_local(),
            };
            if !is_link_local {
                found.add(
                    "services",
                    name,
                    at,
                    path(&format!("link_local_ips: {ip}")),
                    "it is not in 169.254.0.0/16 or fe80::/10",
                );
            }
        }
        endpoint_options(name, attachment, &path, &mut interfaces, found);
        if let Some(network) = networks.iter().find(|network| network.key == key && !network.is_external) {
            for (what, is_ipv4) in [("ipv4_address", true), ("ipv6_address", false)] {
                if let Some((address, at)) = read::<IpAddr>(attachment.get(what))
                    && let Some(reason) = cannot_have(network, address, is_ipv4)
                {
                    found.add("services", name, at, path(&format!("{what}: {address}")), reason);
                }
            }
        }
    }
}

fn mac_address(MacAddress(octets): MacAddress, at: Origin, service: &str, path: String, found: &mut Found) {
    let reason = match octets {
        [0, 0, 0, 0, 0, 0] => "it is that of nobody",
        [first, ..] if first & 1 == 1 => {
            "it is that of a group: the lowest bit of the first byte must be 0, as in 02:42:ac:11:00:02"
        }
        _ => return,
    };
    found.add("services", service, at, path, reason);
}

fn endpoint_options(
    service: &str,
    attachment: &Node,
    path: &dyn Fn(&str) -> String,
    interfaces: &mut BTreeMap<String, Origin>,
    found: &mut Found,
) {
    let option = |key: &str| attachment.get("driver_opts").and_then(|options| options.get(key));
    for (what, node) in [
        ("interface_name", attachment.get("interface_name")),
        ("driver_opts.com.docker.network.endpoint.ifname", option(options::INTERFACE_NAME)),
    ] {
        let Some((name, at)) = read::<String>(node) else { continue };
        if let Some(reason) = invalid_link_name(&name) {
            found.add("services", service, at, path(&format!("{what}: {name}")), reason);
        } else if let Some(other) = interfaces.insert(name.clone(), at) {
            let reason = "two interfaces of a container cannot have one name".to_owned();
            found.clash("services", service, at, path(&format!("{what}: {name}")), reason, (other, "the other one"));
        }
    }
    if let Some((text, at)) = read::<String>(option(options::INTERFACE_SYSCTLS))
        && let Some(wrong) = text.split(',').find(|setting| !is_interface_sysctl(setting))
    {
        let reason = format!("`{}` is not of the form net.ipv4.conf.IFNAME.NAME=VALUE", wrong.trim());
        found.add("services", service, at, path("driver_opts.com.docker.network.endpoint.sysctls"), reason);
    }
}

/// Why no container can have `address` on a network of the file.
fn cannot_have(network: &Network<'_>, address: IpAddr, is_ipv4: bool) -> Option<String> {
    let [has_ipv4, has_ipv6] = network.has;
    let key = network.key;
    if !(if is_ipv4 { has_ipv4 } else { has_ipv6 }) {
        let (family, option) = if is_ipv4 { ("IPv4", "enable_ipv4") } else { ("IPv6", "enable_ipv6") };
        return Some(format!("network `{key}` has no {family}: give it `{option}: true` and a subnet"));
    }
    let pools: Vec<&Pool> = network.pools.iter().filter(|pool| pool.subnet.address.is_ipv4() == is_ipv4).collect();
    let Some(pool) = pools.iter().find(|pool| pool.subnet.contains(address)) else {
        let subnets: Vec<String> = pools.iter().map(|pool| pool.subnet.to_string()).collect();
        return Some(if subnets.is_empty() {
            format!("network `{key}` needs a subnet of its own for it: `ipam: {{config: [{{subnet: …}}]}}`")
        } else {
            format!("it is not in {} of network `{key}`", subnets.join(" or "))
        });
    };
    if pool.gateway.unwrap_or_else(|| pool.subnet.first()) == address {
        Some(format!("it is that of the gateway of network `{key}`"))
    } else if pool.reserved.contains(&address) {
        Some(format!("it is one of the `aux_addresses` of network `{key}`, which nobody gets"))
    } else if !pool.subnet.is_host(address) {
        Some(format!("it is that of the network {} itself, or of all in it", pool.subnet))
    } else {
        None
    }
}

/// No two containers of the file have one address.
fn twice(tree: &Node, found: &mut Found) {
    let mut taken: BTreeMap<(String, IpAddr), Origin> = BTreeMap::new();
    for (name, entry) in entries(tree.get("services")) {
        let scale = entry.value.text_of("scale").and_then(|scale| scale.parse::<u32>().ok()).unwrap_or(1);
        for (key, attachment) in entries(entry.value.get("networks")) {
            for what in ["ipv4_address", "ipv6_address"] {
                let Some((address, at)) = read::<IpAddr>(attachment.value.get(what)) else { continue };
                let path = format!("services.{name}.networks.{key}.{what}: {address}");
                if scale > 1 {
                    let reason = format!("{scale} containers cannot have one address");
                    found.add("services", name, at, path.clone(), reason);
                }
                if let Some(other) = taken.insert((key.to_owned(), address), at) {
                    let reason = "another service has it".to_owned();
                    found.clash("services", name, at, path, reason, (other, "the other one"));
                }
            }
        }
    }
}
