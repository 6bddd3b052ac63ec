//! Networks: which addresses one gets, and its bridge.

use std::collections::BTreeSet;
use std::net::IpAddr;

use sha2::{Digest as _, Sha256};

use super::failure::{Failure, FailureKind};
use super::world::World;
use crate::compose::model::{Network, Pool, Project};
use crate::name::{NetworkName, ProjectName};
use crate::network::{self, AddressPool, Bridge, BridgeSubnet, Claim, IpFamily, Route, Subnet, SubnetPool};
use crate::plan::network_hash;
use crate::state::{NetworkRecord, PoolRecord, VERSION};
use crate::sys::random;

/// Makes a network: addresses clear of everybody else's, a record, a bridge.
pub(super) fn create(world: &World, project: &Project, key: &NetworkName) -> Result<(), Failure> {
    let config = &project.networks[key];
    // Two projects that choose at once must not choose alike.
    let _lock = world.layout.lock_networks()?;
    let failed = |failure: Failure| failure.because_of(format!("cannot create network {}", config.name));
    let record = NetworkRecord {
        version: VERSION,
        key: key.clone(),
        name: config.name.clone(),
        hash: network_hash(config),
        bridge: format!("{}{}", network::BRIDGE_PREFIX, random::hex(4)),
        pools: pools(world, key, config).map_err(failed)?,
        internal: config.internal,
        mtu: config.driver_opts.get("com.docker.network.driver.mtu").and_then(|mtu| mtu.parse().ok()),
    };
    world.insert_network(record)
}

/// Makes the bridge of a network; one that exists stays.
pub(super) fn make_bridge(record: &NetworkRecord) -> Result<(), Failure> {
    let system = |error: &dyn std::error::Error| {
        Failure::from_error(FailureKind::System, error).because_of(format!("cannot create network {}", record.name))
    };
    if network::link_exists(&record.bridge).map_err(|error| system(&error))? {
        return Ok(());
    }
    network::create_bridge(&bridge(record)?).map_err(|error| system(&error))
}

/// The bridge of a network, as the network module wants to see it.
pub(super) fn bridge(record: &NetworkRecord) -> Result<Bridge, Failure> {
    let subnet = |pool: &PoolRecord| {
        Ok(BridgeSubnet { subnet: parse(&pool.subnet)?, gateway: pool.gateway, masquerade: pool.masquerade })
    };
    Ok(Bridge {
        name: record.bridge.clone(),
        subnets: record.pools.iter().map(subnet).collect::<Result<_, Failure>>()?,
        mtu: record.mtu,
        internal: record.internal,
    })
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
fn pools(world: &World, key: &NetworkName, config: &Network) -> Result<Vec<PoolRecord>, Failure> {
    let mut surroundings = Surroundings::look(world)?;
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
                world.warn(&format!("network {}: {warning}", config.name));
            }
        }
        let unsaid = Pool::default();
        if subnets.is_empty() {
            let pools = subnet_pools(world, family);
            let chosen = network::choose_subnet(family, &pools, &surroundings.claims(), start(&world.project, key));
            subnets.push((chosen.map_err(|error| Failure::from_error(FailureKind::System, &error))?, &unsaid));
        }
        for (subnet, pool) in subnets {
            surroundings.networks.push(Claim { subnet, owner: format!("network {}", config.name) });
            records.push(pool_record(subnet, pool));
        }
    }
    Ok(records)
}

fn pool_record(subnet: Subnet, pool: &Pool) -> PoolRecord {
    let reserved: BTreeSet<IpAddr> = pool.aux_addresses.values().copied().collect();
    PoolRecord {
        subnet: subnet.to_string(),
        gateway: Some(pool.gateway.unwrap_or_else(|| AddressPool::default_gateway(&subnet, &reserved))),
        range: pool.ip_range.map(|range| range.to_string()),
        reserved: pool.aux_addresses.clone(),
        masquerade: true,
    }
}

/// Where subnets come from that the file does not say.
fn subnet_pools(world: &World, family: IpFamily) -> Vec<SubnetPool> {
    match family {
        IpFamily::V4 => SubnetPool::defaults(),
        IpFamily::V6 => {
            // The same project has the same prefix each time, and hardly another one on any machine.
            let machine = fs_err::read_to_string("/etc/machine-id").unwrap_or_default();
            let [a, b, c, d, e, ..] = digest(&[machine.trim(), world.project.as_str()]);
            vec![SubnetPool::unique_local([a, b, c, d, e])]
        }
    }
}

/// Where the search for a free subnet begins: a network comes back with the addresses it had.
fn start(project: &ProjectName, key: &NetworkName) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = digest(&[project.as_str(), key.as_str()]);
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
    fn look(world: &World) -> Result<Self, Failure> {
        let mut networks = Vec::new();
        let mut add = |record: &NetworkRecord, owner: &str| {
            let subnets = record.pools.iter().filter_map(|pool| pool.subnet.parse().ok());
            networks.extend(subnets.map(|subnet| Claim { subnet, owner: format!("network {}{owner}", record.name) }));
        };
        world.networks().iter().for_each(|record| add(record, ""));
        for (project, record) in world.layout.foreign_networks(&world.project)? {
            add(&record, &format!(" of project {project}"));
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
