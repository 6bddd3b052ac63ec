//! Publishes the ports of a container: which addresses of the machine, by which way, and what keeps them.
//!
//! | from                      | to                             | by                                            |
//! |---------------------------|--------------------------------|-----------------------------------------------|
//! | an address                | an address of the same family  | the firewall; clients keep their addresses    |
//! | ::1, also as part of ::   | any                            | a relay: TCP and UDP, up to [`MOST_SOCKETS`] in a row |
//! | an address                | an address of the other family | the same                                      |
//! | every address             | an address that is routed      | nobody: the firewall lets in what is sent to it |
//!
//! What the firewall does outlives the supervisor, and so the container's shim keeps those ports. A relay is the
//! supervisor's, and so are its ports: a supervisor that takes over listens on them again.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;

use super::endpoint::{self, Networks};
use super::failure::{Failure, FailureKind};
use super::observe::Record;
use super::resolver::AbortOnDrop;
use super::world::World;
use crate::compose::model::network_options as options;
use crate::compose::model::{GatewayMode, Port, Protocol};
use crate::name::ContainerId;
use crate::network::{
    self, IpFamily, MOST_SOCKETS, PortError, PortForward, PortReservation, Relay, RelayError, TransportProtocol,
};
use crate::state::{NetworkRecord, PublishedPort};

/// The ports of a container that is about to start.
#[derive(Debug, Default)]
pub(super) struct Publication {
    /// What its shim is to keep.
    pub(super) kept: Rc<Vec<PortReservation>>,
    /// What is to be listened on for it.
    relayed: Vec<Relayed>,
    /// What is recorded.
    pub(super) published: Vec<PublishedPort>,
}

/// Ports that are kept by who listens on them, for what is at `to`.
#[derive(Debug)]
struct Relayed {
    reservation: PortReservation,
    protocol: TransportProtocol,
    to: SocketAddr,
}

impl Publication {
    /// Begins to relay, for as long as the tasks are kept.
    pub(super) fn relay(&mut self, world: &World) -> Result<Vec<AbortOnDrop>, Failure> {
        let relays = self.relayed.drain(..).map(|relayed| relay(world, relayed));
        relays.collect::<Result<Vec<_>, _>>().map(|tasks| tasks.into_iter().flatten().collect()).map_err(system)
    }
}

fn system(error: RelayError) -> Failure {
    Failure::from_error(FailureKind::System, &error)
}

fn relay(world: &World, relayed: Relayed) -> Result<Vec<AbortOnDrop>, RelayError> {
    let relays = Relay::listen(relayed.reservation, relayed.protocol, relayed.to)?.into_iter();
    Ok(relays.map(|relay| AbortOnDrop::spawn(relay.serve(world.relay_room.clone()))).collect())
}

/// Takes the ports that the container of `record` asks for.
///
/// # Errors
/// [`Failure`]: of kind [`FailureKind::PortInUse`] when somebody has one, of kind [`FailureKind::Plan`] when there is no way
/// from where it is to be published to the container.
pub(super) fn reserve(world: &World, record: &Record) -> Result<Publication, Failure> {
    let mut publication = Publication::default();
    let mut kept = Vec::new();
    if record.config.service.network_mode.is_some() {
        return Ok(publication);
    }
    let container = Container::of(world, record);
    let addresses = unless_told(world, record);
    for (port, count) in in_rows(&record.config.service.ports) {
        let protocol = transport(port.protocol);
        publication.published.extend(container.opened(port, count));
        let places: Vec<(IpAddr, Way)> = match port.host_ip {
            Some(address) if address.is_unspecified() && container.is_routed(IpFamily::of(address)) => Vec::new(),
            Some(address) => {
                let way = container.way(address, protocol, count).ok_or_else(|| no_way(address, port, &container))?;
                vec![(address, way)]
            }
            None => {
                let reachable = |address: IpAddr| Some((address, container.way(address, protocol, count)?));
                addresses.iter().copied().filter_map(reachable).collect()
            }
        };
        if places.is_empty() {
            continue;
        }
        let reservations = take(&places, port, count).map_err(|error| in_use(&error))?;
        if let Some(note) = passed_over(port, &places, &reservations) {
            world.warn(&format!("{}: {note}", record.name));
        }
        for ((address, way), reservation) in places.into_iter().zip(reservations) {
            publication.published.push(PublishedPort {
                host_ip: address,
                host_port: reservation.port(),
                target: port.target,
                count,
                protocol: protocol.to_string(),
            });
            match way.relay {
                Some(to) => {
                    let to = SocketAddr::new(to, port.target);
                    publication.relayed.push(Relayed { reservation, protocol, to });
                }
                None => kept.push(reservation),
            }
        }
    }
    publication.kept = Rc::new(kept);
    Ok(publication)
}

/// The ports of another container, which go on to lead to that until this one is found in its place. What is relayed is
/// listened on once the other has ended.
pub(super) fn inherit(world: &World, from: &ContainerId, kept: Rc<Vec<PortReservation>>) -> Publication {
    let published = world.paths.container(from).read_state().map(|state| state.ports).unwrap_or_default();
    Publication { kept, published, ..Publication::default() }
}

/// The addresses that a port is published on whose own are not given: that which the options of its network name, else every
/// one.
fn unless_told(world: &World, record: &Record) -> Vec<IpAddr> {
    let way_out = endpoint::way_out(world, record, IpFamily::V4).and_then(|index| record.endpoints.get(index));
    let network = way_out.and_then(|endpoint| world.network(&endpoint.network));
    if let Some(address) = network.and_then(|network| network.host_binding).filter(|address| !address.is_unspecified())
    {
        return vec![address.into()];
    }
    let ipv6 = machine_has_ipv6().then_some(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
    [Some(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), ipv6].into_iter().flatten().collect()
}

/// Takes one port out of those to choose from, or all of a row.
fn take(addresses: &[(IpAddr, Way)], port: &Port, count: u16) -> Result<Vec<PortReservation>, PortError> {
    let protocol = transport(port.protocol);
    let mut addresses = addresses.iter().map(|(address, _)| *address);
    match port.published {
        Some((first, _)) if count > 1 => {
            addresses.map(|address| network::reserve_range(address, first..=first + (count - 1), protocol)).collect()
        }
        range => {
            let addresses: Vec<IpAddr> = addresses.by_ref().collect();
            network::reserve_port(&addresses, range.map(|(first, last)| first..=last), protocol)
        }
    }
}

/// What to tell when programs that are not ours have the first of the ports to choose from.
fn passed_over(port: &Port, addresses: &[(IpAddr, Way)], reservations: &[PortReservation]) -> Option<String> {
    /// Of so many it is looked up who has them.
    const LOOKED_UP: u16 = 8;
    let (first, last) = port.published.filter(|(first, last)| first < last)?;
    let taken = reservations.first()?.port();
    let protocol = transport(port.protocol);
    let owner = |number| {
        let mut owners =
            addresses.iter().filter_map(|(ip, _)| network::port_owner(SocketAddr::new(*ip, number), protocol));
        let owner = owners.find(|owner| !owner.starts_with(network::OUR_NAME))?;
        Some(format!("{number} is in use by {owner}"))
    };
    let owners: Vec<String> = (first..taken).take(LOOKED_UP.into()).filter_map(owner).collect();
    let target = port.target;
    (!owners.is_empty())
        .then(|| format!("port {target}/{protocol} is published as {taken} of {first}-{last}: {}", owners.join(", ")))
}

fn in_use(error: &PortError) -> Failure {
    Failure::from_error(FailureKind::PortInUse, error)
}

fn no_way(address: IpAddr, port: &Port, container: &Container) -> Failure {
    let Port { target, protocol, .. } = port;
    let family = IpFamily::of(address);
    let why = if container.is_routed(family) {
        "its network is routed: what is let in is sent to the container's own address".to_owned()
    } else if container.address(family).is_some() {
        format!("only TCP and UDP ports, up to {MOST_SOCKETS} in a row, can be led from {address} to a container")
    } else {
        format!(
            "the container has no {family} address, and only TCP and UDP ports, up to {MOST_SOCKETS} in a row, can be \
             led to it from the other family"
        )
    };
    Failure::new(FailureKind::Plan, format!("cannot publish port {target}/{protocol} on {address}: {why}"))
}

/// What the firewall is to send to a container.
pub(super) fn forwards(networks: &impl Networks, record: &Record, published: &[PublishedPort]) -> Vec<PortForward> {
    let container = Container::of(networks, record);
    let forward = |port: &PublishedPort| {
        let protocol = recorded(port);
        let to = container.lead(port)?.forward?;
        let is_direct = container.is_routed(IpFamily::of(to));
        Some(PortForward {
            // Of a container that another one takes the place of, its own address may be recorded yet.
            host_ip: if is_direct { to } else { port.host_ip },
            host_port: port.host_port,
            count: port.count,
            protocol,
            to: SocketAddr::new(to, port.target),
        })
    };
    published.iter().filter_map(forward).collect()
}

/// Where a published port leads: to which address through the firewall, and to which through a relay.
pub(super) fn destinations(
    networks: &impl Networks,
    record: &Record,
    port: &PublishedPort,
) -> (Option<IpAddr>, Option<IpAddr>) {
    let way = Container::of(networks, record).lead(port);
    way.map_or((None, None), |way| (way.forward, way.relay))
}

/// Listens again on what an earlier supervisor relayed to a container that still runs.
pub(super) fn resume(world: &World, record: &Record, published: &[PublishedPort]) -> Vec<AbortOnDrop> {
    let container = Container::of(world, record);
    let mut tasks = Vec::new();
    for port in published {
        let protocol = recorded(port);
        let Some(to) = container.lead(port).and_then(|way| way.relay) else { continue };
        let range = port.host_port..=port.host_port.saturating_add(port.count.saturating_sub(1));
        let reserved = network::reserve_range(port.host_ip, range, protocol).map_err(|error| in_use(&error));
        let to = SocketAddr::new(to, port.target);
        let relayed = reserved.map(|reservation| Relayed { reservation, protocol, to });
        match relayed.and_then(|relayed| relay(world, relayed).map_err(system)) {
            Ok(relays) => tasks.extend(relays),
            Err(failure) => world.warn(&format!("{}: {failure}", record.name)),
        }
    }
    tasks
}

/// Whether published ports lead to the same addresses for both records of a container.
pub(super) fn leads_alike(world: &World, one: &Record, other: &Record) -> bool {
    Container::of(world, one) == Container::of(world, other)
}

/// Where published ports lead.
#[derive(Debug, PartialEq, Eq)]
struct Container {
    ipv4: Option<IpAddr>,
    ipv6: Option<IpAddr>,
    /// Whether none of its networks leads out: nobody is let in there either.
    is_internal: bool,
    /// Whether the network of its address of IPv4, and that of IPv6, is routed: nothing is translated.
    routed: [bool; 2],
}

/// How a published port leads to a container; at least one of the two is there.
#[derive(Debug, PartialEq, Eq)]
struct Way {
    /// The address that the firewall sends to.
    forward: Option<IpAddr>,
    /// The address that a relay connects to.
    relay: Option<IpAddr>,
}

impl Container {
    /// By family, its address where it gets out, else on its first network.
    fn of(networks: &impl Networks, record: &Record) -> Self {
        let ways_out = [IpFamily::V4, IpFamily::V6].map(|family| endpoint::way_out(networks, record, family));
        let address = |family, way_out: Option<usize>| {
            let endpoint = record.endpoints.get(way_out.unwrap_or(0))?;
            endpoint.addresses.iter().find(|address| IpFamily::of(**address) == family).copied()
        };
        Self {
            ipv4: address(IpFamily::V4, ways_out[0]),
            ipv6: address(IpFamily::V6, ways_out[1]),
            is_internal: ways_out == [None, None],
            routed: [true, false].map(|is_ipv4| {
                let way_out = ways_out[usize::from(!is_ipv4)].and_then(|index| record.endpoints.get(index));
                way_out.and_then(|of| networks.network(&of.network)).is_some_and(|network| is_routed(&network, is_ipv4))
            }),
        }
    }

    fn is_routed(&self, family: IpFamily) -> bool {
        self.routed[usize::from(family == IpFamily::V6)]
    }

    /// The ports that are opened at the container's own addresses.
    fn opened(&self, port: &Port, count: u16) -> Vec<PublishedPort> {
        let families = [IpFamily::V4, IpFamily::V6].into_iter().filter(|family| {
            self.is_routed(*family) && port.host_ip.is_none_or(|ip| ip.is_unspecified() && IpFamily::of(ip) == *family)
        });
        let opened = |address| PublishedPort {
            host_ip: address,
            host_port: port.target,
            target: port.target,
            count,
            protocol: transport(port.protocol).to_string(),
        };
        families.filter_map(|family| self.address(family)).map(opened).collect()
    }

    /// How a port that is published leads here.
    fn lead(&self, port: &PublishedPort) -> Option<Way> {
        let family = IpFamily::of(port.host_ip);
        if self.is_routed(family) {
            return Some(Way { forward: Some(self.address(family)?), relay: None });
        }
        self.way(port.host_ip, recorded(port), port.count)
    }

    fn address(&self, family: IpFamily) -> Option<IpAddr> {
        match family {
            IpFamily::V4 => self.ipv4,
            IpFamily::V6 => self.ipv6,
        }
    }

    /// How `count` ports in a row lead from `host` to here.
    fn way(&self, host: IpAddr, protocol: TransportProtocol, count: u16) -> Option<Way> {
        if self.is_routed(IpFamily::of(host)) {
            return None;
        }
        let same = self.address(IpFamily::of(host));
        let is_only_loopback = host.is_ipv6() && host.is_loopback();
        let forward = same.filter(|_| !is_only_loopback);
        let wants_relay = same.is_none() || host.is_ipv6() && (host.is_unspecified() || host.is_loopback());
        let can_relay = protocol != TransportProtocol::Sctp && count <= MOST_SOCKETS && !self.is_internal;
        let relay = same.or(self.ipv4).or(self.ipv6).filter(|_| wants_relay && can_relay);
        (forward.is_some() || relay.is_some()).then_some(Way { forward, relay })
    }
}

/// Whether what is sent to the addresses of a network, of one family, is sent on as it is.
fn is_routed(network: &NetworkRecord, is_ipv4: bool) -> bool {
    let option = if is_ipv4 { options::GATEWAY_MODE_IPV4 } else { options::GATEWAY_MODE_IPV6 };
    network.options.get(option).is_some_and(|mode| mode.parse() == Ok(GatewayMode::Routed))
}

/// Ports with how many of them there are in a row, from the first on: all at one address, each with its own number. What
/// has to have its number comes before what takes any.
fn in_rows(ports: &[Port]) -> Vec<(&Port, u16)> {
    let fixed = |port: &Port| port.published.filter(|(first, last)| first == last).map(|(first, _)| first);
    let mut ports: Vec<&Port> = ports.iter().collect();
    ports.sort_by_key(|port| (fixed(port).is_none(), port.host_ip, port.protocol, port.published, port.target));
    let mut rows: Vec<(&Port, u16)> = Vec::new();
    for port in ports {
        if let Some((first, count)) = rows.last_mut()
            && (first.host_ip, first.protocol) == (port.host_ip, port.protocol)
            && fixed(first).is_some_and(|number| number.checked_add(*count) == fixed(port))
            && first.target.checked_add(*count) == Some(port.target)
        {
            *count += 1;
        } else {
            rows.push((port, 1));
        }
    }
    rows
}

fn transport(protocol: Protocol) -> TransportProtocol {
    match protocol {
        Protocol::Tcp => TransportProtocol::Tcp,
        Protocol::Udp => TransportProtocol::Udp,
        Protocol::Sctp => TransportProtocol::Sctp,
    }
}

fn recorded(port: &PublishedPort) -> TransportProtocol {
    match &*port.protocol {
        "udp" => TransportProtocol::Udp,
        "sctp" => TransportProtocol::Sctp,
        _ => TransportProtocol::Tcp,
    }
}

/// Whether anything here has an address of IPv6: see `proc_net(5)`.
fn machine_has_ipv6() -> bool {
    fs_err::read("/proc/thread-self/net/if_inet6").is_ok_and(|addresses| !addresses.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use TransportProtocol::{Sctp, Tcp, Udp};

    #[test]
    fn which_way_a_port_leads() {
        let both = [Some("10.0.0.2"), Some("fd00::2")];
        let (four, six) = ([both[0], None], [None, both[1]]);
        for (host, addresses, protocol, count, expected) in [
            ("0.0.0.0", four, Udp, 9999, Some(["10.0.0.2", ""])),
            ("127.0.0.1", both, Tcp, 1, Some(["10.0.0.2", ""])),
            ("::", both, Tcp, 1, Some(["fd00::2", "fd00::2"])),
            ("::", both, Tcp, 9999, Some(["fd00::2", ""])),
            ("::", both, Sctp, 1, Some(["fd00::2", ""])),
            ("::1", both, Tcp, 1, Some(["", "fd00::2"])),
            ("::1", both, Udp, 1, Some(["", "fd00::2"])),
            ("::1", both, Sctp, 1, None),
            ("fd01::1", both, Tcp, 1, Some(["fd00::2", ""])),
            ("::", four, Tcp, 1, Some(["", "10.0.0.2"])),
            ("::", four, Udp, 1, Some(["", "10.0.0.2"])),
            ("::", four, Sctp, 1, None),
            ("127.0.0.1", six, Tcp, 1, Some(["", "fd00::2"])),
            ("0.0.0.0", six, Tcp, 33, None),
        ] {
            let [ipv4, ipv6] = addresses.map(|address| address.map(|address| address.parse().unwrap()));
            let container = Container { ipv4, ipv6, is_internal: false, routed: [false; 2] };
            let way = container.way(host.parse().unwrap(), protocol, count);
            let expected =
                expected.map(|[forward, relay]| Way { forward: forward.parse().ok(), relay: relay.parse().ok() });
            assert_eq!(way, expected, "{host} {addresses:?} {protocol} {count}");
        }
        let ipv4 = Some("10.0.0.2".parse().unwrap());
        let vault = Container { ipv4, ipv6: None, is_internal: true, routed: [false; 2] };
        assert_eq!(vault.way("::".parse().unwrap(), Tcp, 1), None, "nobody is let in over a relay");
    }

    #[test]
    fn ports_in_a_row_are_one() {
        let port = |published: Option<(u16, u16)>, target| Port { published, ..Port::new(target) };
        let fixed = |published, target| port(Some((published, published)), target);
        for (ports, expected) in [
            (vec![fixed(8080, 80)], vec![(8080, 1)]),
            (vec![fixed(10, 20), fixed(9, 19), fixed(11, 21)], vec![(9, 3)]),
            (vec![fixed(10, 20), fixed(11, 20)], vec![(10, 1), (11, 1)]),
            (vec![fixed(10, 20), fixed(12, 22)], vec![(10, 1), (12, 1)]),
            (vec![port(None, 80), port(Some((8080, 8082)), 80), fixed(8080, 81)], vec![(8080, 1), (0, 1), (8080, 1)]),
            (vec![fixed(10, 20), Port { protocol: Protocol::Udp, ..fixed(11, 21) }], vec![(10, 1), (11, 1)]),
        ] {
            let rows = in_rows(&ports);
            let rows: Vec<_> =
                rows.iter().map(|(port, count)| (port.published.map_or(0, |(first, _)| first), *count)).collect();
            assert_eq!(rows, expected, "{ports:?}");
        }
    }
}
