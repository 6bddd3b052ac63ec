//! Connecting a container to a network and taking it off one, whether it runs or not.
//!
//! What is changed is the container's record: its places and its service's attachments, from which it is started next time.
//! One that runs is changed with it: cables and routes, `/etc/hosts`, names, what its name server sees.

use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::rc::Rc;

use super::endpoint;
use super::etc;
use super::failure::{Failure, FailureKind};
use super::observe::Record;
use super::publish;
use super::resolver;
use super::shaping;
use super::start;
use super::world::World;
use crate::compose::model::Attachment;
use crate::name::NetworkName;
use crate::network::{self, IpFamily};
use crate::runtime::Handle;

/// A change of what a container is connected to.
#[derive(Debug)]
pub(super) enum Rewire {
    /// It is to be on a network.
    Connect {
        /// The network's key in the project.
        network: NetworkName,
        /// As what.
        attachment: Box<Attachment>,
    },
    /// It is to be on a network no more.
    Disconnect {
        /// The network's key in the project.
        network: NetworkName,
    },
}

/// Performs a change; `live` is the container, if it runs. Returns what its record is from now on.
///
/// # Errors
/// [`FailureKind::Plan`] for what cannot be, [`FailureKind::System`] when the kernel refuses: the container is then
/// connected as before.
pub(super) fn rewire(
    world: &World,
    record: &Rc<Record>,
    change: &Rewire,
    live: Option<&Handle>,
) -> Result<Rc<Record>, Failure> {
    if let Some(mode) = &record.config.service.network_mode {
        let message = format!("container {} cannot be connected: its network is `{mode}`", record.name);
        return Err(Failure::new(FailureKind::Plan, message));
    }
    let netns = live.map(|live| live.namespace(Path::new("net"))).transpose();
    let netns = netns.map_err(|error| Failure::from_error(FailureKind::System, &error))?.flatten();
    match change {
        Rewire::Connect { network, attachment } => connect(world, record, network, attachment, netns.as_ref()),
        Rewire::Disconnect { network } => disconnect(world, record, network, netns.as_ref()),
    }
}

fn connect(
    world: &World,
    record: &Rc<Record>,
    key: &NetworkName,
    attachment: &Attachment,
    netns: Option<&OwnedFd>,
) -> Result<Rc<Record>, Failure> {
    if record.endpoints.iter().any(|endpoint| endpoint.network == *key) {
        let message = format!("container {} is on network {} already", record.name, world.network_name(key));
        return Err(Failure::new(FailureKind::Plan, message));
    }
    // Two projects on one network must not choose the same address.
    let _lock = world.layout.lock_networks()?;
    let mut changed = (**record).clone();
    let mut endpoint = endpoint::endpoint(world, record, key, attachment)?;
    endpoint.link = Some(start::free_link_number(record));
    changed.endpoints.push(endpoint.clone());
    changed.config.service.networks.insert(key.clone(), attachment.clone());
    if let Some(netns) = netns {
        let index = changed.endpoints.len() - 1;
        let mut added = start::endpoint(world, &changed, index)?;
        let gateways = std::mem::take(&mut added.gateways);
        let attach = || network::attach(netns.as_fd(), &[added]).map_err(|error| system(&error));
        // Last, the way that leads out so far is replaced: until then the container is as it was but for this link.
        let lead_out =
            || network::lead_out(netns.as_fd(), &endpoint.interface, &gateways).map_err(|error| system(&error));
        attach()
            .and_then(|()| shaping::resume(world, &changed))
            .and_then(|()| Ok(etc::connected(world, &changed, &endpoint)?))
            .and_then(|()| lead_out())
            .inspect_err(|_| {
                // The first error is the one to tell.
                let _ = network::detach(netns.as_fd(), &endpoint.interface);
                let _ = etc::disconnected(world, &changed, &endpoint);
            })?;
    }
    settle(world, record, changed, netns.is_some())
}

fn disconnect(
    world: &World,
    record: &Rc<Record>,
    key: &NetworkName,
    netns: Option<&OwnedFd>,
) -> Result<Rc<Record>, Failure> {
    let mut changed = (**record).clone();
    let index = changed.endpoints.iter().position(|endpoint| endpoint.network == *key).ok_or_else(|| {
        let message = format!("container {} is not on network {}", record.name, world.network_name(key));
        Failure::new(FailureKind::Plan, message)
    })?;
    for (index, endpoint) in changed.endpoints.iter_mut().enumerate() {
        endpoint.link = Some(start::link_number(record, index));
    }
    let endpoint = changed.endpoints.remove(index);
    changed.config.service.networks.remove(key);
    if let Some(netns) = netns {
        network::detach(netns.as_fd(), &endpoint.interface).map_err(|error| system(&error))?;
        if record.config.service.network_limits().is_some() {
            shaping::end_of(record, index)?;
        }
        // The routes of the link went with it.
        for family in [IpFamily::V4, IpFamily::V6] {
            let way_out = endpoint::way_out(world, &changed, family).and_then(|index| changed.endpoints.get(index));
            if let Some(way_out) = way_out {
                let gateways: Vec<_> = endpoint::gateway(world, way_out, family).into_iter().collect();
                network::lead_out(netns.as_fd(), &way_out.interface, &gateways).map_err(|error| system(&error))?;
            }
        }
        etc::disconnected(world, &changed, &endpoint)?;
    }
    settle(world, record, changed, netns.is_some())
}

/// Writes down what has become of a container, and lets everybody know.
fn settle(world: &World, before: &Rc<Record>, after: Record, runs: bool) -> Result<Rc<Record>, Failure> {
    let paths = world.paths.container(&after.id);
    let after = Rc::new(after);
    world.replace_record(Rc::clone(&after))?;
    if runs {
        let published = paths.read_state().map(|state| state.ports).unwrap_or_default();
        world.move_names(before, &after, publish::forwards(world, &after, &published))?;
        resolver::refresh(world, &after);
        super::shared::announce(world, before);
        super::shared::announce(world, &after);
    }
    Ok(after)
}

fn system(error: &dyn std::error::Error) -> Failure {
    Failure::from_error(FailureKind::System, error)
}
