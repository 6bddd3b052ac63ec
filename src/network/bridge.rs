//! Bridges: one per network, with the gateways' addresses on it.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use rustix::io::Errno;

use super::link::{self, ADDRESS, INFO_KIND, LINKINFO, MTU};
use super::netlink::{Connection, NetlinkError};
use super::{IpFamily, Subnet, sysctl};

/// How the names of all our bridges begin: what a rule of somebody else's firewall can mean them by.
pub const BRIDGE_PREFIX: &str = "rc-";

/// A bridge to be: what a network looks like from the namespace that the bridges live in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bridge {
    /// Its name, at most 15 bytes: unless the user chooses it, [`BRIDGE_PREFIX`] and 8 random hexadecimal digits, so that no
    /// two projects collide.
    pub name: String,
    /// The addresses of the network: any number of either family.
    pub subnets: Vec<BridgeSubnet>,
    /// Bytes a packet may have; the kernel's 1500 if not given.
    pub mtu: Option<u32>,
    /// Whether there is no way in or out but over the bridge itself.
    pub internal: bool,
    /// Whether containers reach the machine and the outside, but not one another.
    pub isolated: bool,
    /// Whether containers of several projects are on it, each of which publishes ports of its own.
    pub shared: bool,
}

/// Addresses of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BridgeSubnet {
    /// All of them.
    pub subnet: Subnet,
    /// The address of the bridge itself: what containers route through. Without one the machine is not in the network.
    pub gateway: Option<IpAddr>,
    /// Whether what leaves the network gets an address of the machine.
    pub masquerade: bool,
    /// Whether everything is let in, and not only what was published.
    pub unprotected: bool,
}

impl Bridge {
    /// Whether it has addresses of `family`.
    #[must_use]
    pub fn has(&self, family: IpFamily) -> bool {
        self.subnets.iter().any(|of| of.subnet.family() == family)
    }

    /// That of its subnets which `address` is in.
    #[must_use]
    pub fn subnet_of(&self, address: IpAddr) -> Option<&BridgeSubnet> {
        self.subnets.iter().find(|of| of.subnet.contains(address))
    }

    /// The addresses of the bridge itself.
    pub(super) fn gateways(&self) -> impl Iterator<Item = (IpAddr, u8)> {
        self.subnets.iter().filter_map(|of| Some((of.gateway?, of.subnet.prefix())))
    }
}

/// Why a bridge could not be made or removed.
#[derive(Debug, thiserror::Error)]
pub enum BridgeError {
    /// The link could not be made.
    #[error("cannot create bridge `{name}`")]
    Create {
        /// The name of the bridge.
        name: String,
        /// What went wrong.
        source: NetlinkError,
    },
    /// The link could not be given its address.
    #[error("cannot give bridge `{name}` the address {address}")]
    Address {
        /// The name of the bridge.
        name: String,
        /// The address of the gateway.
        address: IpAddr,
        /// What went wrong.
        source: NetlinkError,
    },
    /// The link could not be set up as a router.
    #[error("cannot configure bridge `{name}`")]
    Configure {
        /// The name of the bridge.
        name: String,
        /// Names the file.
        source: io::Error,
    },
    /// The link could not be looked up.
    #[error("cannot look up bridge `{name}`")]
    Find {
        /// The name of the bridge.
        name: String,
        /// What went wrong.
        source: NetlinkError,
    },
    /// The link could not be deleted.
    #[error("cannot delete bridge `{name}`")]
    Delete {
        /// The name of the bridge.
        name: String,
        /// What went wrong.
        source: NetlinkError,
    },
}

/// Makes `bridge`, up and with its address, in the namespace of the calling thread. What was made is deleted again
/// when a later step fails.
///
/// # Errors
/// [`BridgeError`] by step; [`BridgeError::Create`] with `EEXIST` if the name is taken.
pub fn create_bridge(bridge: &Bridge) -> Result<(), BridgeError> {
    let name = || bridge.name.clone();
    let create = |source| BridgeError::Create { name: name(), source };
    let mut connection = Connection::route().map_err(create)?;
    let mut request = link::new_link(&bridge.name).nest(LINKINFO, |info| info.string(INFO_KIND, "bridge"));
    if let Some(of) = bridge.subnets.first() {
        // Without an address of its own it takes the lowest of its ports', and changes it as containers come and go: every
        // neighbour would have to ask anew. With one, it has no carrier before its first port: one that is to be but the
        // parent of other links must not have one.
        request = request.bytes(ADDRESS, &mac_address(of.gateway.unwrap_or(of.subnet.address())));
    }
    if let Some(mtu) = bridge.mtu {
        request = request.u32(MTU, mtu);
    }
    connection.request(vec![request]).map_err(|(_, source)| create(source))?;
    configure(&mut connection, bridge).inspect_err(|_| {
        // The first error is the one to tell; deleting what was made a moment ago has no reason to fail.
        let _ = connection.request(vec![link::delete_link(&bridge.name)]);
    })
}

/// Everything that takes a bridge that is there.
fn configure(connection: &mut Connection, bridge: &Bridge) -> Result<(), BridgeError> {
    let name = || bridge.name.clone();
    let index = link::index(connection, &bridge.name)
        .and_then(|index| index.ok_or(NetlinkError::NoAnswer))
        .map_err(|source| BridgeError::Find { name: name(), source })?;
    let family =
        if bridge.has(IpFamily::V6) { sysctl::enable_ipv6(&bridge.name) } else { sysctl::disable_ipv6(&bridge.name) };
    family.map_err(|source| BridgeError::Configure { name: name(), source })?;
    let gateways: Vec<(IpAddr, u8)> = bridge.gateways().collect();
    let addresses = gateways.iter().map(|(address, prefix)| link::new_address(index, *address, *prefix)).collect();
    connection.request(addresses).map_err(|(failed, source)| {
        let address = gateways.get(failed).map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |(address, _)| *address);
        BridgeError::Address { name: name(), address, source }
    })
}

/// Deletes the bridge called `name`; it is fine if there is none. Takes the kernel some 20 ms.
///
/// # Errors
/// [`BridgeError::Delete`].
pub fn delete_bridge(name: &str) -> Result<(), BridgeError> {
    let delete = |source| BridgeError::Delete { name: name.to_owned(), source };
    let mut connection = Connection::route().map_err(delete)?;
    match connection.request(vec![link::delete_link(name)]) {
        Err((_, error)) if error.errno() == Some(Errno::NODEV) => Ok(()),
        result => result.map_err(|(_, source)| delete(source)),
    }
}

/// Whether there is a link called `name` in the namespace of the calling thread.
///
/// # Errors
/// [`BridgeError::Find`].
pub fn link_exists(name: &str) -> Result<bool, BridgeError> {
    let found = Connection::route().and_then(|mut connection| link::index(&mut connection, name));
    found.map(|index| index.is_some()).map_err(|source| BridgeError::Find { name: name.to_owned(), source })
}

/// A locally administered hardware address for who has `address`, as Docker makes it: a container keeps it over restarts,
/// and no two on a network share one.
#[must_use]
pub fn mac_address(address: IpAddr) -> [u8; 6] {
    let [a, b, c, d] = match address {
        IpAddr::V4(address) => address.octets(),
        IpAddr::V6(address) => {
            let [.., a, b, c, d] = address.octets();
            [a, b, c, d]
        }
    };
    [0x02, 0x42, a, b, c, d]
}
