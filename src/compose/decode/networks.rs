//! Networks that a service names in other ways than by their keys: `network_mode: NAME`, and the two that every machine has.

use crate::compose::model::{Attachment, Network, NetworkDriver, NetworkMode, Project, Service};
use crate::name::NetworkName;

/// What stands for the network that Docker calls `bridge`: one of the project's own, since projects share nothing that they
/// do not name.
const BRIDGE: &str = "bridge";

/// Has each service name its networks by keys of the project, and the host's or none by its mode.
pub(super) fn settle(project: &mut Project) {
    let mut services = std::mem::take(&mut project.services);
    for service in services.values_mut() {
        by_name(service, project);
        by_kind(service, project);
    }
    project.services = services;
}

/// `network_mode: NAME`: the network of the project that has the name, else one made elsewhere.
fn by_name(service: &mut Service, project: &mut Project) {
    let network = match &service.network_mode {
        Some(NetworkMode::Network(name)) => Network { name: name.clone(), external: true, ..Network::default() },
        Some(NetworkMode::Bridge) => Network { name: format!("{}_{BRIDGE}", project.name), ..Network::default() },
        _ => return,
    };
    let known = project.networks.iter().find(|(_, known)| known.name == network.name).map(|(key, _)| key.clone());
    // A name that is no key of a network has been refused.
    let Some(key) = known.or_else(|| free_key(project, &network)) else { return };
    project.networks.entry(key.clone()).or_insert(network);
    service.networks.insert(key, Attachment::default());
    service.network_mode = None;
}

fn free_key(project: &Project, network: &Network) -> Option<NetworkName> {
    let plain = NetworkName::new(&network.name).ok()?;
    if project.networks.contains_key(&plain) { NetworkName::new(format!("machine.{plain}")).ok() } else { Some(plain) }
}

/// A network with the driver `host` or `none` is a mode; with others beside it, it is refused.
fn by_kind(service: &mut Service, project: &Project) {
    let kinds = service.networks.keys().filter_map(|key| project.networks.get(key)).map(Network::kind);
    let mode = match kinds.collect::<Vec<_>>()[..] {
        [NetworkDriver::Host] => NetworkMode::Host,
        [NetworkDriver::None] => NetworkMode::None,
        _ => return,
    };
    service.networks.clear();
    service.network_mode = Some(mode);
}
