//! The cables: a pair of links, one end on a bridge, the other in a container's network namespace.

use std::io;
use std::net::IpAddr;
use std::os::fd::BorrowedFd;

use super::link::{self, ADDRESS, IFNAME, INFO_DATA, INFO_KIND, LINKINFO, LOOPBACK, MASTER, MTU, NET_NS_FD};
use super::message::Message;
use super::netlink::{Connection, NetlinkError};
use super::sysctl;
use crate::sys::netns::in_netns;

/// `VETH_INFO_PEER`.
const PEER: u16 = 1;

/// How the names of our cables begin, at their ends on a bridge.
pub const VETH_PREFIX: &str = "rv";

/// Where a container is connected to a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The name of the end on the bridge, at most 15 bytes, unique on the machine.
    pub host_interface: String,
    /// The name of the bridge.
    pub bridge: String,
    /// The name of the end in the container: `eth0`.
    pub interface: String,
    /// The container's addresses: any number of either family.
    pub addresses: Vec<EndpointAddress>,
    /// The hardware address of the end in the container.
    pub mac: [u8; 6],
    /// The container's ways out, one of a family, on the endpoint that is to be it; none in an internal network.
    pub gateways: Vec<IpAddr>,
    /// Bytes a packet may have; the kernel's 1500 if not given.
    pub mtu: Option<u32>,
}

/// An address of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndpointAddress {
    /// The address.
    pub address: IpAddr,
    /// The prefix length of the network.
    pub prefix: u8,
}

/// Why a container could not be connected.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// The namespaces could not be talked to.
    #[error("cannot reach the network namespace of the container")]
    Connect(#[source] NetlinkError),
    /// The bridge is not there.
    #[error("cannot find bridge `{bridge}`")]
    NoBridge {
        /// The name of the bridge.
        bridge: String,
    },
    /// The pair could not be made.
    #[error("cannot connect `{interface}` to bridge `{bridge}`")]
    Create {
        /// The name of the end in the container.
        interface: String,
        /// The name of the bridge.
        bridge: String,
        /// What went wrong.
        source: NetlinkError,
    },
    /// The end in the container could not be found again.
    #[error("cannot find `{interface}` in the container")]
    Find {
        /// The name of the end in the container.
        interface: String,
        /// What went wrong.
        source: NetlinkError,
    },
    /// IPv6 could not be turned on or off on the end in the container.
    #[error("cannot configure `{interface}` in the container")]
    Setting {
        /// The name of the end in the container.
        interface: String,
        /// Names the file.
        source: io::Error,
    },
    /// An address, a route or the loopback could not be set.
    #[error("cannot {step} in the container")]
    Configure {
        /// The step in words: `set address 172.28.0.2 on eth0`.
        step: String,
        /// What went wrong.
        source: NetlinkError,
    },
}

/// Connects the namespace `netns` to every bridge in `endpoints`, brings its loopback up, and sets addresses and the
/// default route.
///
/// The bridges are in the namespace of the calling thread. What a failure leaves goes away with `netns`: a pair goes
/// when either end does.
///
/// # Errors
/// [`AttachError`] by step.
pub fn attach(netns: BorrowedFd<'_>, endpoints: &[Endpoint]) -> Result<(), AttachError> {
    let mut host = Connection::route().map_err(AttachError::Connect)?;
    let hairpin = sysctl::bridges_translate();
    for endpoint in endpoints {
        let mut requests = vec![pair(&mut host, netns, endpoint)?];
        if hairpin {
            requests.push(link::set_hairpin(&endpoint.host_interface));
        }
        host.request(requests).map_err(|(_, source)| AttachError::Create {
            interface: endpoint.interface.clone(),
            bridge: endpoint.bridge.clone(),
            source,
        })?;
    }
    let mut inside = in_netns(netns, || {
        endpoints.iter().try_for_each(set_family)?;
        Connection::route().map_err(AttachError::Connect)
    })
    .map_err(|error| AttachError::Connect(NetlinkError::Enter(error)))??;
    configure(&mut inside, endpoints)?;
    for endpoint in endpoints {
        settle(&mut inside, &endpoint.interface)?;
        settle(&mut host, &endpoint.host_interface)?;
        settle(&mut host, &endpoint.bridge)?;
    }
    Ok(())
}

/// Has the kernel act on the change of a link's carrier now. It does so some time later, up to a second if it is busy, and
/// drops what is sent until then: the first question for an address would be lost, and asked again after a second. Being
/// asked about a link (since Linux 6.8) it does so at once.
fn settle(connection: &mut Connection, name: &str) -> Result<(), AttachError> {
    link::index(connection, name).map(drop).map_err(AttachError::Connect)
}

/// Brings the loopback of `netns` up: all that a container without networks has.
///
/// # Errors
/// [`AttachError`] by step.
pub fn loopback_up(netns: BorrowedFd<'_>) -> Result<(), AttachError> {
    configure(&mut connect(netns)?, &[])
}

/// The message that makes both ends, on the bridge and in the namespace: everything in one go because each message takes
/// the lock of all networking on the machine. The container's end stays down for now: the kernel makes it first, and
/// brings no end up that has no other.
fn pair(host: &mut Connection, netns: BorrowedFd<'_>, endpoint: &Endpoint) -> Result<Message, AttachError> {
    let bridge = link::index(host, &endpoint.bridge)
        .map_err(AttachError::Connect)?
        .ok_or_else(|| AttachError::NoBridge { bridge: endpoint.bridge.clone() })?;
    let mtu = |end: Message| match endpoint.mtu {
        Some(mtu) => end.u32(MTU, mtu),
        None => end,
    };
    let inside = |peer: Message| {
        let peer = peer.fixed(&link::link_header(0, false)).string(IFNAME, &endpoint.interface);
        mtu(peer).bytes(ADDRESS, &endpoint.mac).fd(NET_NS_FD, netns)
    };
    Ok(mtu(link::new_link(&endpoint.host_interface))
        .u32(MASTER, bridge)
        .nest(LINKINFO, |info| info.string(INFO_KIND, "veth").nest(INFO_DATA, |data| data.nest(PEER, inside))))
}

/// Has the end in the container, the calling thread being there, speak IPv6 only where the network does: else it would
/// make itself an address that nobody has given out.
fn set_family(endpoint: &Endpoint) -> Result<(), AttachError> {
    let interface = &endpoint.interface;
    let has_ipv6 = endpoint.addresses.iter().any(|of| of.address.is_ipv6());
    let result = if has_ipv6 { sysctl::enable_ipv6(interface) } else { sysctl::disable_ipv6(interface) };
    result.map_err(|source| AttachError::Setting { interface: interface.clone(), source })
}

/// A connection to the kernel about `netns`: the namespace of a socket is that of the thread that opens it.
fn connect(netns: BorrowedFd<'_>) -> Result<Connection, AttachError> {
    in_netns(netns, Connection::route)
        .map_err(NetlinkError::Enter)
        .and_then(|connection| connection)
        .map_err(AttachError::Connect)
}

/// Loopback, addresses and routes in one datagram.
fn configure(inside: &mut Connection, endpoints: &[Endpoint]) -> Result<(), AttachError> {
    let mut requests = vec![link::set_up(LOOPBACK)];
    let mut steps = vec!["bring the loopback up".to_owned()];
    let mut routes = Vec::new();
    for Endpoint { interface, addresses, gateways, .. } in endpoints {
        let index = link::index(inside, interface)
            .and_then(|index| index.ok_or(NetlinkError::NoAnswer))
            .map_err(|source| AttachError::Find { interface: interface.clone(), source })?;
        requests.push(link::set_up(index));
        steps.push(format!("bring `{interface}` up"));
        for EndpointAddress { address, prefix } in addresses {
            requests.push(link::new_address(index, *address, *prefix));
            steps.push(format!("set address {address} on `{interface}`"));
        }
        routes.extend(gateways.iter().map(|gateway| (*gateway, index)));
    }
    // A gateway is reachable only once every address is there.
    for (gateway, index) in routes {
        requests.push(link::default_route(gateway, index));
        steps.push(format!("set the default route through {gateway}"));
    }
    inside.request(requests).map_err(|(index, source)| AttachError::Configure {
        step: steps.into_iter().nth(index).unwrap_or_default(),
        source,
    })
}
