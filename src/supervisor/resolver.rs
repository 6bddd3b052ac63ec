//! The name server of a container: what it is to answer from, and its task.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::endpoint;
use super::failure::{Failure, FailureKind};
use super::observe::Record;
use super::world::World;
use crate::compose::model::{Port, Service};
use crate::name::ProjectName;
use crate::network::{self, IpFamily, Link, ResolvConf, Resolver, Upstream, View};

/// The port of the domain name system.
const PORT: u16 = 53;
/// Whom this machine asks.
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// Ends a task with its owner.
#[derive(Debug)]
pub(super) struct AbortOnDrop(AbortHandle);

impl AbortOnDrop {
    /// Begins a task on this thread.
    pub(super) fn spawn(task: impl Future<Output = ()> + 'static) -> Self {
        Self(tokio::task::spawn_local(task).abort_handle())
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Serves the name queries of a container whose network namespace this is.
pub(super) fn serve(world: &World, record: &Record, netns: &OwnedFd) -> Result<AbortOnDrop, Failure> {
    answer(world, netns, world.view(&record.id, view(world, record)))
}

/// Serves the name queries of those in a network namespace by `view`, as it is at any moment.
pub(super) fn answer(world: &World, netns: &OwnedFd, view: watch::Receiver<View>) -> Result<AbortOnDrop, Failure> {
    let resolver = Resolver::bind(netns.as_fd()).map_err(|error| Failure::from_error(FailureKind::System, &error))?;
    let names = world.names.subscribe();
    let task = tokio::task::spawn_local(async move {
        // It ends only when its sockets fail, which they do when the container's namespace goes away.
        let _ = resolver.serve(names, view).await;
    });
    Ok(AbortOnDrop(task.abort_handle()))
}

/// Lets the name server of a running container see what has become of the networks that it is on.
pub(super) fn refresh(world: &World, record: &Record) {
    world.view(&record.id, view(world, record));
}

/// What a container sees of the world of names.
fn view(world: &World, record: &Record) -> View {
    let service = &record.config.service;
    let families = [IpFamily::V4, IpFamily::V6];
    let leads_out = families.iter().any(|family| endpoint::way_out(world, record, *family).is_some());
    View {
        networks: record.endpoints.iter().map(|endpoint| world.network_name(&endpoint.network)).collect(),
        links: links(service, &world.project),
        upstream: match (leads_out, &service.dns[..]) {
            (false, _) => Upstream::Nobody,
            (true, []) => Upstream::Machine(world.resolv_conf.subscribe()),
            (true, addresses) => Upstream::Container(servers(addresses)),
        },
        domains: domains(service),
        room: world.room.clone(),
    }
}

/// What the machine's own file says, and a task that keeps it true.
pub(super) fn follow_host() -> watch::Sender<ResolvConf> {
    let path = Path::new(RESOLV_CONF);
    let sender = watch::channel(ResolvConf::read(path)).0;
    let told = sender.clone();
    tokio::task::spawn_local(async move {
        // Where the kernel has no more watches to give, what was read stands.
        let _ = network::follow_resolv_conf(path, &told).await;
    });
    sender
}

fn servers(addresses: &[IpAddr]) -> Vec<SocketAddr> {
    addresses.iter().map(|address| SocketAddr::new(*address, PORT)).collect()
}

/// The domains that have servers of their own: `x-rcompose.dns`.
fn domains(service: &Service) -> Vec<(String, Vec<SocketAddr>)> {
    let of = service.rcompose.iter().flat_map(|extension| &extension.dns);
    of.map(|(domain, addresses)| (domain.trim_matches('.').to_ascii_lowercase(), servers(addresses))).collect()
}

/// The names that `links` gives to others, and `external_links` to containers of other projects.
fn links(service: &Service, project: &ProjectName) -> Vec<Link> {
    let link = |text: &String| {
        let (target, alias) = text.split_once(':').unwrap_or((text, text));
        Link::new(alias, target, &format!("{project}-{target}-"))
    };
    let external = |text: &String| {
        let (container, alias) = linked_container(text);
        Link::to_container(alias, container)
    };
    service.links.iter().map(link).chain(service.external_links.iter().map(external)).collect()
}

/// A container of another project, and what it is called here.
fn linked_container(text: &str) -> (&str, &str) {
    text.split_once(':').unwrap_or((text, text))
}

/// The containers of `external_links` that are not there: not running, or on no network that this one is on.
pub(super) fn missing_links(world: &World, record: &Record) -> Vec<String> {
    let networks: Vec<String> = record.endpoints.iter().map(|endpoint| world.network_name(&endpoint.network)).collect();
    let names = world.names.borrow();
    let containers = record.config.service.external_links.iter().map(|text| linked_container(text).0);
    containers.filter(|name| !names.knows(&networks, name)).map(str::to_owned).collect()
}

/// The ports that have names, as SRV records know them: `_http._tcp`.
pub(super) fn named_ports(ports: &[Port]) -> Vec<(String, u16)> {
    let named = |port: &Port| {
        let name = port.name.as_deref().filter(|name| !name.is_empty())?;
        Some((format!("_{name}._{}", port.protocol), port.target))
    };
    ports.iter().filter_map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_with_names_are_services() {
        let named = Port { name: Some("http".to_owned()), ..Port::new(8080) };
        assert_eq!(named_ports(&[Port::new(1), named]), [("_http._tcp".to_owned(), 8080)]);
    }
}
