//! Networks that belong to no project. No supervisor owns one: the command that makes it makes its bridge and its
//! firewall too, and the command that removes it takes them away.

use serde::de::IgnoredAny;

use super::failure::{Failure, FailureKind};
use super::network::{Site, bridge, make_bridge, plan_record, remove_bridge};
use crate::compose::model::Network;
use crate::compose::model::network_options as options;
use crate::name::{ContainerName, NetworkName};
use crate::network::{Firewall, Nftables, SubnetPool};
use crate::state::{EndpointRecord, Layout, NetworkRecord, StateError};

/// Makes a network that belongs to no project, with subnets out of `pools`, if there are any, where `config` has none. What the
/// user should know of it goes to `warn`.
///
/// # Errors
/// [`FailureKind::Plan`] for a name or addresses that somebody has, [`FailureKind::System`] when the kernel refuses.
pub fn create_network(
    layout: &Layout,
    config: &Network,
    pools: &[SubnetPool],
    warn: &dyn Fn(&str),
) -> Result<NetworkRecord, Failure> {
    let refused = |message: String| Failure::new(FailureKind::Plan, message);
    let key = NetworkName::new(&config.name).map_err(|error| Failure::from_error(FailureKind::Plan, &error))?;
    if !config.name.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        return Err(refused(format!("invalid network name `{key}`: must begin with a letter or digit")));
    }
    if matches!(config.name.as_str(), "bridge" | "default" | "host" | "none") {
        return Err(refused(format!("a network cannot be called {key}, which has a meaning of its own")));
    }
    if let Some(name) = config.option(options::BRIDGE_NAME)
        && let Some(rule) = options::invalid_link_name(name)
    {
        return Err(refused(format!("invalid bridge name `{name}`: {rule}")));
    }
    let _lock = layout.lock_networks()?;
    if layout.networks()?.iter().any(|(_, record)| record.name == config.name) {
        return Err(refused(format!("network with name {key} already exists")));
    }
    let record = plan_record(&Site { layout, owner: None, pools, containers: 0, warn }, &key, config)?;
    layout.write_standalone_network(&record)?;
    let made = Nftables::open()
        .map_err(|error| Failure::from_error(FailureKind::System, &error))
        .and_then(|mut nftables| uphold(&record, &mut nftables));
    made.inspect_err(|_| {
        // The first error is the one to tell.
        let _ = take_down(layout, &record);
    })?;
    Ok(record)
}

/// Removes a network that belongs to no project.
///
/// # Errors
/// [`FailureKind::Plan`], with their names, when containers are on it; [`FailureKind::System`] when the kernel refuses.
pub fn remove_network(layout: &Layout, record: &NetworkRecord) -> Result<(), Failure> {
    let _lock = layout.lock_networks()?;
    in_use(&record.name, &users(layout, record)?)?;
    take_down(layout, record)
}

/// Refuses to remove a network that `users` are on.
pub(super) fn in_use(network: &str, users: &[ContainerName]) -> Result<(), Failure> {
    if users.is_empty() {
        return Ok(());
    }
    let users: Vec<&str> = users.iter().map(ContainerName::as_str).collect();
    Err(Failure::new(FailureKind::Plan, format!("network {network} is in use by {}", users.join(", "))))
}

/// The containers of all projects that are on a network, running or not.
pub(super) fn users(layout: &Layout, record: &NetworkRecord) -> Result<Vec<ContainerName>, StateError> {
    let mut users = Vec::new();
    for project in layout.project_names()? {
        let paths = layout.project(&project);
        let known = paths.read_networks()?.into_iter().find(|known| known.id() == record.id());
        let is_on = |endpoint: &EndpointRecord| match &endpoint.external {
            Some(name) => *name == record.name,
            None => known.as_ref().is_some_and(|known| known.key == endpoint.network),
        };
        for container in paths.read_containers::<IgnoredAny>()? {
            if container.endpoints.iter().any(is_on) {
                users.push(container.name);
            }
        }
    }
    Ok(users)
}

/// Sees to it that the bridge of a network and its firewall are there: a boot takes them away.
pub(super) fn uphold(record: &NetworkRecord, nftables: &mut Nftables) -> Result<(), Failure> {
    make_bridge(record)?;
    if !record.has_bridge() {
        return Ok(());
    }
    let firewall = Firewall { project: firewall_name(record), bridges: vec![bridge(record)?], forwards: Vec::new() };
    firewall.apply(nftables).map_err(|error| Failure::from_error(FailureKind::System, &error))
}

fn take_down(layout: &Layout, record: &NetworkRecord) -> Result<(), Failure> {
    let failed = |error: &dyn std::error::Error| Failure::from_error(FailureKind::System, error);
    remove_bridge(layout, record)?;
    if record.has_bridge() {
        let mut nftables = Nftables::open().map_err(|error| failed(&error))?;
        Firewall::remove(&firewall_name(record), &mut nftables).map_err(|error| failed(&error))?;
    }
    Ok(layout.remove_standalone_network(&record.key)?)
}

/// What its table is called by. No project has a name that begins with a dot.
pub(super) fn firewall_name(record: &NetworkRecord) -> String {
    format!(".{}", record.name)
}
