//! Networks: which addresses one gets, and its bridge.

use std::collections::BTreeSet;
use std::net::IpAddr;

use sha2::{Digest as _, Sha256};

use super::failure::{Failure, FailureKind};
use super::world::World;
use crate::compose::model::network_options as options;
use crate::compose::model::{GatewayMode, Network, NetworkDriver, Pool, Project};
use crate::name::{NetworkName, ProjectName};
use crate::network::{
    self, AddressPool, Bridge, BridgeSubnet, Cable, Claim, IpFamily, IpvlanMode, IpvlanReach, MacvlanMode, Route,
    Subnet, SubnetPool,
};
use crate::plan::Definition;
use crate::state::{Layout, LinkRecord, NetworkRecord, PoolRecord, VERSION};
use crate::sys::random;

/// For whom a network is made.
pub(super) struct Site<'a> {
    /// Where everything lies.
    pub(super) layout: &'a Layout,
    /// The project that it is to belong to, if any.
    pub(super) owner: Option<&'a ProjectName>,
    /// Where subnets are taken from, if the user says so.
    pub(super) pools: &'a [SubnetPool],
    /// How many containers are to be on it, as far as that is known.
    pub(super) containers: u64,
    /// Told what the user should know.
    pub(super) warn: &'a dyn Fn(&str),
}

/// Makes a network: addresses clear of everybody else's, a record, a bridge.
pub(super) fn create(world: &World, project: &Project, key: &NetworkName) -> Result<(), Failure> {
    // Two projects that choose at once must not choose alike.
    let _lock = world.layout.lock_networks()?;
    let (pools, warn) = (world.subnet_pools.borrow().clone(), |warning: &str| world.warn(warning));
    let attached = project.services.values().filter(|service| service.networks.contains_key(key));
    let containers = attached.map(|service| u64::from(service.replicas())).sum();
    let site = Site { layout: &world.layout, owner: Some(&world.project), pools: &pools, containers, warn: &warn };
    world.insert_network(plan_record(&site, key, &project.networks[key])?)
}

/// The record of a network that is yet to be made, the lock of networks being held.
pub(super) fn plan_record(site: &Site<'_>, key: &NetworkName, config: &Network) -> Result<NetworkRecord, Failure> {
    let failed = |failure: Failure| failure.because_of(format!("cannot create network {}", config.name));
    let option = |name| config.option(name).map(str::to_owned);
    let parent = option(options::PARENT);
    let link = match config.kind() {
        NetworkDriver::Macvlan => LinkRecord::Macvlan { parent, mode: option(options::MACVLAN_MODE) },
        NetworkDriver::Ipvlan => {
            LinkRecord::Ipvlan { parent, mode: option(options::IPVLAN_MODE), flag: option(options::IPVLAN_FLAG) }
        }
        NetworkDriver::Bridge | NetworkDriver::Host | NetworkDriver::None => LinkRecord::Bridge,
    };
    for unknown in config.driver_opts.keys().filter(|name| !options::NETWORK_OPTIONS.contains(&name.as_str())) {
        (site.warn)(&format!("network {}: no driver here has the option `{unknown}`", config.name));
    }
    let given = option(options::BRIDGE_NAME);
    if let Some(name) = &given
        && network::link_exists(name).map_err(|error| Failure::from_error(FailureKind::System, &error))?
    {
        let message = format!("a network interface called {name} exists already");
        return Err(failed(Failure::new(FailureKind::Plan, message)));
    }
    let definition = Definition::of_network(config);
    Ok(NetworkRecord {
        version: VERSION,
        key: key.clone(),
        name: config.name.clone(),
        hash: definition.hash,
        fields: definition.fields,
        bridge: given.unwrap_or_else(|| format!("{}{}", network::BRIDGE_PREFIX, random::hex(4))),
        pools: pools(site, key, config).map_err(failed)?,
        // What shares no link of the host leads nowhere.
        internal: config.internal || (link != LinkRecord::Bridge && config.option(options::PARENT).is_none()),
        mtu: config.option(options::MTU).and_then(|mtu| mtu.parse().ok()),
        isolated: !config.flag(options::ICC, true),
        interface_prefix: option(options::INTERFACE_PREFIX),
        host_binding: config.host_binding(),
        attachable: config.attachable,
        labels: config.labels.clone(),
        created_at: Some(jiff::Timestamp::now()),
        options: config.driver_opts.clone(),
        link,
    })
}

/// Makes the bridge of a network, or the link that it shares if that is for a VLAN; one that exists stays.
pub(super) fn make_bridge(record: &NetworkRecord) -> Result<(), Failure> {
    let system = |error: &dyn std::error::Error| {
        Failure::from_error(FailureKind::System, error).because_of(format!("cannot create network {}", record.name))
    };
    if let Some(parent) = record.parent() {
        return network::create_vlan(parent).map_err(|error| system(&error));
    }
    if network::link_exists(&record.bridge).map_err(|error| system(&error))? {
        return Ok(());
    }
    network::create_bridge(&bridge(record)?).map_err(|error| system(&error))
}

/// Removes the bridge of a network; or the link that was made for it, unless another network shares that.
pub(super) fn remove_bridge(layout: &Layout, record: &NetworkRecord) -> Result<(), Failure> {
    let system = |error: &dyn std::error::Error| Failure::from_error(FailureKind::System, error);
    let Some(parent) = record.parent() else {
        return network::delete_bridge(&record.bridge).map_err(|error| system(&error));
    };
    let shares = |other: &NetworkRecord| other.id() != record.id() && other.parent() == Some(parent);
    if layout.networks()?.iter().any(|(_, other)| shares(other)) {
        return Ok(());
    }
    network::remove_vlan(parent).map_err(|error| system(&error))
}

/// The bridge of a network, as the network module wants to see it.
pub(super) fn bridge(record: &NetworkRecord) -> Result<Bridge, Failure> {
    let subnet = |pool: &PoolRecord| {
        let PoolRecord { gateway, masquerade, unprotected, .. } = *pool;
        Ok(BridgeSubnet { subnet: parse(&pool.subnet)?, gateway, masquerade, unprotected })
    };
    // To those who share a bridge that leads nowhere, it is but a link: the host is not among them.
    let pools: &[PoolRecord] = if record.link == LinkRecord::Bridge { &record.pools } else { &[] };
    Ok(Bridge {
        name: record.bridge.clone(),
        subnets: pools.iter().map(subnet).collect::<Result<_, Failure>>()?,
        mtu: record.mtu,
        internal: record.internal,
        isolated: record.isolated,
        shared: false,
    })
}

/// What connects a container to a network; `host_interface` is the name that an end on its bridge would have.
pub(super) fn cable(record: &NetworkRecord, host_interface: String) -> Cable {
    let parent = |parent: &Option<String>| parent.clone().unwrap_or_else(|| record.bridge.clone());
    match &record.link {
        LinkRecord::Bridge => Cable::Veth { host_interface, bridge: record.bridge.clone(), isolated: record.isolated },
        LinkRecord::Macvlan { parent: of, mode } => Cable::Macvlan {
            parent: parent(of),
            mode: match mode.as_deref() {
                Some("private") => MacvlanMode::Private,
                Some("vepa") => MacvlanMode::Vepa,
                Some("passthru") => MacvlanMode::Passthru,
                _ => MacvlanMode::Bridge,
            },
        },
        LinkRecord::Ipvlan { parent: of, mode, flag } => Cable::Ipvlan {
            parent: parent(of),
            mode: match mode.as_deref() {
                Some("l3") => IpvlanMode::L3,
                Some("l3s") => IpvlanMode::L3s,
                _ => IpvlanMode::L2,
            },
            reach: match flag.as_deref() {
                Some("private") => IpvlanReach::Private,
                Some("vepa") => IpvlanReach::Vepa,
                _ => IpvlanReach::Bridge,
            },
        },
    }
}

/// The addresses that a network gives out, pool by pool.
pub(super) fn address_pools(record: &NetworkRecord) -> Result<Vec<AddressPool>, Failure> {
    let pool = |pool: &PoolRecord| {
        Ok(AddressPool {
            subnet: parse(&pool.subnet)?,
            gateway: pool.gateway,
            range: pool.range.as_deref().map(parse).transpose()?,
            reserved: pool.reserved.values().copied().collect(),
        })
    };
    record.pools.iter().map(pool).collect()
}

fn parse(text: &str) -> Result<Subnet, Failure> {
    text.parse().map_err(|error| Failure::from_error(FailureKind::Plan, &error))
}

/// The pools of a new network: those that the file gives, and of a family for which it gives none a chosen one.
fn pools(site: &Site<'_>, key: &NetworkName, config: &Network) -> Result<Vec<PoolRecord>, Failure> {
    let mut surroundings = Surroundings::look(site)?;
    let mut records = Vec::new();
    for family in [IpFamily::V4, IpFamily::V6] {
        let wanted = match family {
            IpFamily::V4 => config.has_ipv4(),
            IpFamily::V6 => config.has_ipv6(),
        };
        if !wanted {
            continue;
        }
        let given = config.pools(family == IpFamily::V4).map(|(subnet, pool)| Ok((parse(&subnet.to_string())?, pool)));
        let mut subnets = given.collect::<Result<Vec<_>, Failure>>()?;
        for (subnet, _) in &subnets {
            if let Some(warning) = surroundings.admit(subnet)? {
                (site.warn)(&format!("network {}: {warning}", config.name));
            }
        }
        let unsaid = Pool::default();
        if subnets.is_empty() {
            let owner = site.owner.map_or("", ProjectName::as_str);
            // For those that come later, and for those that take the place of others, half as many again.
            let hosts = site.containers.saturating_add(site.containers / 2);
            let pools = subnet_pools(site.pools, owner, family).into_iter().map(|pool| pool.with_room(hosts));
            let pools: Vec<SubnetPool> = pools.collect();
            let chosen = network::choose_subnet(family, &pools, &surroundings.claims(), start(owner, key));
            subnets.push((chosen.map_err(|error| Failure::from_error(FailureKind::System, &error))?, &unsaid));
        }
        for (subnet, pool) in subnets {
            surroundings.networks.push(Claim { subnet, owner: format!("network {}", config.name) });
            records.push(pool_record(subnet, pool, config));
        }
    }
    Ok(records)
}

fn pool_record(subnet: Subnet, pool: &Pool, config: &Network) -> PoolRecord {
    let reserved: BTreeSet<IpAddr> = pool.aux_addresses.values().copied().collect();
    let mode = config.gateway_mode(subnet.family() == IpFamily::V4);
    let gateway = || pool.gateway.unwrap_or_else(|| AddressPool::default_gateway(&subnet, &reserved));
    PoolRecord {
        subnet: subnet.to_string(),
        gateway: (mode != GatewayMode::Isolated).then(gateway),
        range: pool.ip_range.map(|range| range.to_string()),
        reserved: pool.aux_addresses.clone(),
        masquerade: mode != GatewayMode::Routed && config.flag(options::MASQUERADE, true),
        unprotected: mode == GatewayMode::NatUnprotected,
    }
}

/// Where subnets come from that the file does not say: the pools that the user has `given`, if any of the family.
fn subnet_pools(given: &[SubnetPool], owner: &str, family: IpFamily) -> Vec<SubnetPool> {
    let given: Vec<SubnetPool> = given.iter().filter(|pool| pool.family() == family).copied().collect();
    match family {
        _ if !given.is_empty() => given,
        IpFamily::V4 => SubnetPool::defaults(),
        IpFamily::V6 => {
            // The same project has the same prefix each time, and hardly another one on any machine.
            let machine = fs_err::read_to_string("/etc/machine-id").unwrap_or_default();
            let [a, b, c, d, e, ..] = digest(&[machine.trim(), owner]);
            vec![SubnetPool::unique_local([a, b, c, d, e])]
        }
    }
}

/// Where the search for a free subnet begins: a network comes back with the addresses it had.
fn start(owner: &str, key: &NetworkName) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = digest(&[owner, key.as_str()]);
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

fn digest(parts: &[&str]) -> [u8; 32] {
    Sha256::digest(parts.join("\0")).into()
}

/// What a new network must keep clear of.
struct Surroundings {
    routes: Vec<Route>,
    networks: Vec<Claim>,
}

impl Surroundings {
    fn look(site: &Site<'_>) -> Result<Self, Failure> {
        let mut networks = Vec::new();
        let mut add = |record: &NetworkRecord, owner: &str| {
            let subnets = record.pools.iter().filter_map(|pool| pool.subnet.parse().ok());
            networks.extend(subnets.map(|subnet| Claim { subnet, owner: format!("network {}{owner}", record.name) }));
        };
        for (owner, record) in site.layout.networks()? {
            let foreign = owner.filter(|owner| Some(owner) != site.owner);
            add(&record, &foreign.map_or_else(String::new, |owner| format!(" of project {owner}")));
        }
        let routes = network::routes().map_err(|error| Failure::from_error(FailureKind::System, &error))?;
        Ok(Self { routes, networks })
    }

    /// Everything that is somebody's, networks before the routes that they have.
    fn claims(&self) -> Vec<Claim> {
        let routes = self.routes.iter().map(|route| Claim { subnet: route.destination, owner: route.to_string() });
        self.networks.iter().cloned().chain(routes).collect()
    }

    /// Whether the file may have `subnet`. Two bridges cannot share a route, nor can a network have what the machine sends
    /// elsewhere; but it may be a part of what is behind a wider route, of which the warning tells.
    fn admit(&self, subnet: &Subnet) -> Result<Option<String>, Failure> {
        let refuse = |claim: &str| {
            let message = format!("subnet {subnet} overlaps {claim}: choose another, or leave `subnet` out");
            Err(Failure::new(FailureKind::Plan, message))
        };
        if let Some(Claim { subnet: other, owner }) = self.networks.iter().find(|claim| claim.subnet.overlaps(subnet)) {
            return refuse(&format!("{other} of {owner}"));
        }
        let mut wider = None;
        for route in self.routes.iter().filter(|route| route.destination.overlaps(subnet)) {
            if subnet.covers(&route.destination) {
                return refuse(&route.to_string());
            }
            wider = Some(format!("subnet {subnet} is part of {route}: what was there is out of reach"));
        }
        Ok(wider.filter(|_| !self.is_default_route(subnet)))
    }

    /// Whether the only wider routes are default routes in disguise.
    fn is_default_route(&self, subnet: &Subnet) -> bool {
        let wider = self.routes.iter().filter(|route| route.destination.overlaps(subnet));
        wider.map(|route| route.destination.prefix()).all(|prefix| prefix < 8)
    }
}
