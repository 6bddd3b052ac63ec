//! Where this machine sends what: the networks that ours must keep clear of.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use super::link::{self, IFNAME};
use super::message::{self, DUMP, Message};
use super::netlink::{Connection, NetlinkError};
use super::{IpFamily, Subnet};

const GETLINK: u16 = 18;
const GETADDR: u16 = 22;
const GETROUTE: u16 = 26;
/// `RTA_*` and `IFA_*`.
const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
const IFA_ADDRESS: u16 = 1;
/// `RTM_F_CLONED`.
const CLONED: u32 = 0x200;

/// A network that the machine knows a way to, in whichever of its routing tables, or has an address in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// The network.
    pub destination: Subnet,
    /// The name of the link that leads there; none for what is not to be reached.
    pub link: Option<String>,
}

impl fmt::Display for Route {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "route {}", self.destination)?;
        self.link.iter().try_for_each(|link| write!(formatter, " of {link}"))
    }
}

/// The routes of every table, those of policies and of VPNs included, and the networks of every address; default routes
/// left out, and what IPv6 has everywhere: link-local and multicast networks.
///
/// The namespace is that of the calling thread.
///
/// # Errors
/// [`NetlinkError`] when the kernel cannot be asked.
pub fn routes() -> Result<Vec<Route>, NetlinkError> {
    let mut connection = Connection::route()?;
    let names = link_names(&mut connection)?;
    let mut found = Vec::new();
    for family in [link::AF_INET, link::AF_INET6] {
        // struct rtmsg and struct ifaddrmsg both open with the family and the prefix length.
        dump(&mut connection, GETROUTE, family, 12, |part, attributes| {
            let (mut destination, mut index) = (None, None);
            for (kind, value) in message::attributes(attributes) {
                match kind {
                    RTA_DST => destination = address(value),
                    RTA_OIF => index = message::u32_at(value, 0),
                    _ => {}
                }
            }
            // What the kernel remembers of a way it found is no route of anybody's making.
            if message::u32_at(part, 8).is_none_or(|flags| flags & CLONED == 0) {
                found.extend(destination.map(|address| (address, part.get(1).copied(), index)));
            }
        })?;
        dump(&mut connection, GETADDR, family, 8, |part, attributes| {
            let value = message::attributes(attributes).find(|(kind, _)| *kind == IFA_ADDRESS);
            let address = value.and_then(|(_, value)| address(value));
            found.extend(address.map(|address| (address, part.get(1).copied(), message::u32_at(part, 4))));
        })?;
    }
    let route = |(address, prefix, index): (IpAddr, Option<u8>, Option<u32>)| {
        let destination = Subnet::containing(address, prefix?);
        Some(Route { destination, link: index.and_then(|index| names.get(&index)).cloned() })
    };
    let mut routes: Vec<Route> = found.into_iter().filter_map(route).collect();
    routes.retain(|route| route.destination.prefix() > 0 && !is_everywhere(&route.destination));
    routes.sort_unstable();
    routes.dedup();
    Ok(routes)
}

fn dump(
    connection: &mut Connection,
    kind: u16,
    family: u8,
    header: usize,
    mut each: impl FnMut(&[u8], &[u8]),
) -> Result<(), NetlinkError> {
    let mut request = vec![0; header];
    request[0] = family;
    let request = Message::new(kind, DUMP, &request);
    let result = connection.query(request, |part| {
        if let Some(attributes) = part.get(header..) {
            each(part, attributes);
        }
    });
    match result {
        // A kernel without IPv6 has no routes of it.
        Err(error) if family == link::AF_INET6 && error.errno() == Some(rustix::io::Errno::OPNOTSUPP) => Ok(()),
        result => result,
    }
}

/// The names of the links by their index.
fn link_names(connection: &mut Connection) -> Result<BTreeMap<u32, String>, NetlinkError> {
    let mut names = BTreeMap::new();
    connection.query(Message::new(GETLINK, DUMP, &link::link_header(0, false)), |part| {
        let attributes = part.get(16..).unwrap_or_default();
        let name = message::attributes(attributes).find(|(kind, _)| *kind == IFNAME).map(|(_, name)| name);
        if let (Some(index), Some(name)) = (message::u32_at(part, 4), name) {
            names.insert(index, String::from_utf8_lossy(name).trim_end_matches('\0').to_owned());
        }
    })?;
    Ok(names)
}

fn address(value: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(value).ok().map(IpAddr::from);
    v4.or_else(|| <[u8; 16]>::try_from(value).ok().map(IpAddr::from))
}

fn is_everywhere(subnet: &Subnet) -> bool {
    let IpAddr::V6(address) = subnet.address() else { return false };
    subnet.family() == IpFamily::V6 && (address.is_unicast_link_local() || address.is_multicast())
}
