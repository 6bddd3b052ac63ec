//! Connecting containers: their ends of cables, with addresses and routes.

use std::io;
use std::net::IpAddr;
use std::os::fd::BorrowedFd;

use rustix::io::Errno;

use super::cable::Cable;
use super::link::{self, LOOPBACK};
use super::netlink::{Connection, NetlinkError};
use super::sysctl;
use crate::sys::netns::in_netns;

/// Where a container is connected to a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// What it is connected by.
    pub cable: Cable,
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
    /// Kernel parameters of the end in the container, below `/proc/sys`, with their values.
    pub sysctls: Vec<(String, String)>,
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
    /// What it is to be connected to is not there.
    #[error("cannot find {what}")]
    NoLink {
        /// The bridge, or the link of the host, with its name.
        what: String,
    },
    /// The kernel knows no such links.
    #[error("this kernel has no {kind}")]
    NoKind {
        /// What they are called.
        kind: &'static str,
        /// The error number.
        source: NetlinkError,
    },
    /// The link could not be made.
    #[error("cannot connect `{interface}` to {what}")]
    Create {
        /// The name of the end in the container.
        interface: String,
        /// The bridge, or the link of the host, with its name.
        what: String,
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
        endpoint.cable.lay(&mut host, netns, endpoint, hairpin)?;
    }
    let mut inside = in_netns(netns, || {
        endpoints.iter().try_for_each(set_family)?;
        Connection::route().map_err(AttachError::Connect)
    })
    .map_err(|error| AttachError::Connect(NetlinkError::Enter(error)))??;
    configure(&mut inside, endpoints)?;
    for endpoint in endpoints {
        settle(&mut inside, &endpoint.interface)?;
        endpoint.cable.links().into_iter().try_for_each(|link| settle(&mut host, link))?;
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

/// Removes the end of a cable from `netns`, and the other end with it; it is fine if there is none.
///
/// # Errors
/// [`AttachError::Connect`], [`AttachError::Configure`].
pub fn detach(netns: BorrowedFd<'_>, interface: &str) -> Result<(), AttachError> {
    match connect(netns)?.request(vec![link::delete_link(interface)]) {
        Err((_, error)) if error.errno() == Some(Errno::NODEV) => Ok(()),
        result => {
            result.map_err(|(_, source)| AttachError::Configure { step: format!("remove `{interface}`"), source })
        }
    }
}

/// Has what has no better route leave `netns` over `interface`, instead of by the way that there is.
///
/// # Errors
/// [`AttachError`] by step.
pub fn lead_out(netns: BorrowedFd<'_>, interface: &str, gateways: &[IpAddr]) -> Result<(), AttachError> {
    let mut inside = connect(netns)?;
    let index = link::index(&mut inside, interface)
        .and_then(|index| index.ok_or(NetlinkError::NoAnswer))
        .map_err(|source| AttachError::Find { interface: interface.to_owned(), source })?;
    for gateway in gateways {
        inside.request(vec![link::other_default_route(*gateway, index)]).map_err(|(_, source)| {
            AttachError::Configure { step: format!("set the default route through {gateway}"), source }
        })?;
    }
    Ok(())
}

/// Has the end in the container, the calling thread being there, speak IPv6 only where the network does: else it would
/// make itself an address that nobody has given out.
fn set_family(endpoint: &Endpoint) -> Result<(), AttachError> {
    let interface = &endpoint.interface;
    let has_ipv6 = endpoint.addresses.iter().any(|of| of.address.is_ipv6());
    let result = if has_ipv6 { sysctl::enable_ipv6(interface) } else { sysctl::disable_ipv6(interface) };
    let settings = || {
        let mut settings = endpoint.sysctls.iter();
        settings.try_for_each(|(name, value)| fs_err::write(format!("/proc/sys/{name}"), value))
    };
    result.and_then(|()| settings()).map_err(|source| AttachError::Setting { interface: interface.clone(), source })
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
