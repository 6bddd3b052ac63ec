//! Links, addresses and routes as rtnetlink messages, without the sending. See `rtnetlink(7)`.

use std::net::IpAddr;

use super::message::{self, ACK, CREATE, DUMP, EXCLUSIVE, Message, REPLACE};
use super::netlink::{Connection, NetlinkError};
use super::{IpFamily, Subnet};

const NEWLINK: u16 = 16;
const DELLINK: u16 = 17;
const GETLINK: u16 = 18;
const NEWADDR: u16 = 20;
const GETADDR: u16 = 22;
const NEWROUTE: u16 = 24;

/// `IFLA_*`.
pub(super) const ADDRESS: u16 = 1;
pub(super) const IFNAME: u16 = 3;
pub(super) const MTU: u16 = 4;
pub(super) const LINK: u16 = 5;
pub(super) const MASTER: u16 = 10;
pub(super) const LINKINFO: u16 = 18;
pub(super) const IFALIAS: u16 = 20;
pub(super) const NET_NS_FD: u16 = 28;
/// Inside `IFLA_LINKINFO`.
pub(super) const INFO_KIND: u16 = 1;
pub(super) const INFO_DATA: u16 = 2;
const INFO_SLAVE_KIND: u16 = 4;
const INFO_SLAVE_DATA: u16 = 5;
/// `IFLA_BRPORT_MODE` and `IFLA_BRPORT_ISOLATED`.
const PORT_HAIRPIN: u16 = 4;
const PORT_ISOLATED: u16 = 33;

/// `IFA_*`.
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_BROADCAST: u16 = 4;
/// `RTA_*`.
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;

pub(super) const AF_INET: u8 = 2;
pub(super) const AF_INET6: u8 = 10;
/// `IFA_F_NODAD`.
const NO_DUPLICATE_DETECTION: u8 = 2;
const IFF_UP: u32 = 1;
const IFF_LOWER_UP: u32 = 0x1_0000;
/// `RT_TABLE_MAIN`, `RTPROT_STATIC`, `RT_SCOPE_*`, `RTN_UNICAST`.
const TABLE_MAIN: u8 = 254;
const PROTOCOL_STATIC: u8 = 4;
const SCOPE_UNIVERSE: u8 = 0;
const SCOPE_LINK: u8 = 253;
const ROUTE_UNICAST: u8 = 1;

/// `lo` has this index in every network namespace.
pub(super) const LOOPBACK: u32 = 1;
/// `IFNAMSIZ` less the terminating zero, bytes.
const LONGEST_NAME: usize = 15;

/// `struct ifinfomsg` of link `index` (0: named by attribute), to be brought up if `up`.
pub(super) fn link_header(index: u32, up: bool) -> [u8; 16] {
    let flags = if up { IFF_UP } else { 0 };
    let mut header = [0; 16];
    header[4..8].copy_from_slice(&index.to_ne_bytes());
    header[8..12].copy_from_slice(&flags.to_ne_bytes());
    header[12..16].copy_from_slice(&flags.to_ne_bytes());
    header
}

/// Makes a link that is up at once; an error if its name is taken.
pub(super) fn new_link(name: &str) -> Message {
    Message::new(NEWLINK, ACK | CREATE | EXCLUSIVE, &link_header(0, true)).string(IFNAME, name)
}

/// Makes a link that is not up, whose name comes later; an error if that is taken.
pub(super) fn new_link_down() -> Message {
    Message::new(NEWLINK, ACK | CREATE | EXCLUSIVE, &link_header(0, false))
}

/// Says whether a bridge sends what comes from its port `name` back to the same port, and whether that reaches the bridge
/// alone and no other such port.
pub(super) fn set_port(name: &str, hairpin: bool, isolated: bool) -> Message {
    Message::new(NEWLINK, ACK, &link_header(0, false)).string(IFNAME, name).nest(LINKINFO, |info| {
        info.string(INFO_SLAVE_KIND, "bridge").nest(INFO_SLAVE_DATA, |port| {
            port.bytes(PORT_HAIRPIN, &[u8::from(hairpin)]).bytes(PORT_ISOLATED, &[u8::from(isolated)])
        })
    })
}

/// Brings link `index` up.
pub(super) fn set_up(index: u32) -> Message {
    Message::new(NEWLINK, ACK, &link_header(index, true))
}

/// Deletes the link called `name`.
pub(super) fn delete_link(name: &str) -> Message {
    Message::new(DELLINK, ACK, &link_header(0, false)).string(IFNAME, name)
}

/// Gives link `index` an address within its subnet. One of IPv6 can be used at once: it is ours to give, and nobody in the
/// network need be asked who else has it, which takes the kernel a second.
pub(super) fn new_address(index: u32, address: IpAddr, prefix: u8) -> Message {
    let [a, b, c, d] = index.to_ne_bytes();
    let (family, flags, scope) = match address {
        IpAddr::V4(address) if address.is_link_local() => (AF_INET, 0, SCOPE_LINK),
        IpAddr::V4(_) => (AF_INET, 0, SCOPE_UNIVERSE),
        IpAddr::V6(_) => (AF_INET6, NO_DUPLICATE_DETECTION, SCOPE_UNIVERSE),
    };
    // struct ifaddrmsg: family, prefix, flags, scope, index.
    let header = [family, prefix, flags, scope, a, b, c, d];
    let message = with_address(Message::new(NEWADDR, ACK | CREATE | EXCLUSIVE, &header), IFA_LOCAL, address);
    let message = with_address(message, IFA_ADDRESS, address);
    match address {
        IpAddr::V4(_) => with_address(message, IFA_BROADCAST, Subnet::containing(address, prefix).last()),
        IpAddr::V6(_) => message,
    }
}

/// Sends what has no better route through `gateway`, over link `index`.
pub(super) fn default_route(gateway: IpAddr, index: u32) -> Message {
    default_route_by(EXCLUSIVE, gateway, index)
}

/// The same, instead of the way that there is.
pub(super) fn other_default_route(gateway: IpAddr, index: u32) -> Message {
    default_route_by(REPLACE, gateway, index)
}

fn default_route_by(flag: u16, gateway: IpAddr, index: u32) -> Message {
    // struct rtmsg: family, destination and source length, tos, table, protocol, scope, type, flags (4 bytes).
    let header =
        [family_number(gateway), 0, 0, 0, TABLE_MAIN, PROTOCOL_STATIC, SCOPE_UNIVERSE, ROUTE_UNICAST, 0, 0, 0, 0];
    let message = Message::new(NEWROUTE, ACK | CREATE | flag, &header);
    with_address(message, RTA_GATEWAY, gateway).u32(RTA_OIF, index)
}

fn family_number(address: IpAddr) -> u8 {
    match IpFamily::of(address) {
        IpFamily::V4 => AF_INET,
        IpFamily::V6 => AF_INET6,
    }
}

fn with_address(message: Message, attribute: u16, address: IpAddr) -> Message {
    match address {
        IpAddr::V4(address) => message.bytes(attribute, &address.octets()),
        IpAddr::V6(address) => message.bytes(attribute, &address.octets()),
    }
}

/// How a link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LinkState {
    /// Its index.
    pub(super) index: u32,
    /// Whether it is set up.
    pub(super) up: bool,
    /// Whether there is a carrier: a cable whose other end is up as well.
    pub(super) carrier: bool,
    /// The index of the bridge that it is a port of.
    pub(super) bridge: Option<u32>,
}

/// How the link called `name` is, or `None` where there is none.
pub(super) fn state(connection: &mut Connection, name: &str) -> Result<Option<LinkState>, NetlinkError> {
    if name.len() > LONGEST_NAME {
        return Ok(None);
    }
    let request = Message::new(GETLINK, ACK, &link_header(0, false)).string(IFNAME, name);
    let mut state = None;
    let read = |link: &[u8]| {
        let flags = message::u32_at(link, 8)?;
        let attributes = link.get(16..)?;
        let bridge = message::attributes(attributes).find(|(kind, _)| *kind == MASTER);
        Some(LinkState {
            index: message::u32_at(link, 4)?,
            up: flags & IFF_UP != 0,
            carrier: flags & IFF_LOWER_UP != 0,
            bridge: bridge.and_then(|(_, index)| message::u32_at(index, 0)),
        })
    };
    match connection.query(request, |link| state = read(link).or(state)) {
        Err(error) if error.errno() == Some(rustix::io::Errno::NODEV) => Ok(None),
        result => result.map(|()| state),
    }
}

/// What is written on the link called `name`.
pub(super) fn alias(connection: &mut Connection, name: &str) -> Result<Option<String>, NetlinkError> {
    if name.len() > LONGEST_NAME {
        return Ok(None);
    }
    let request = Message::new(GETLINK, ACK, &link_header(0, false)).string(IFNAME, name);
    let mut alias = None;
    let read = |link: &[u8]| {
        let (_, text) = message::attributes(link.get(16..)?).find(|(kind, _)| *kind == IFALIAS)?;
        Some(String::from_utf8_lossy(text).trim_end_matches('\0').to_owned())
    };
    match connection.query(request, |link| alias = read(link)) {
        Err(error) if error.errno() == Some(rustix::io::Errno::NODEV) => Ok(None),
        result => result.map(|()| alias),
    }
}

/// The addresses of every link with its index and the length of the prefix, in the namespace of the connection.
pub(super) fn addresses(connection: &mut Connection) -> Result<Vec<(u32, IpAddr, u8)>, NetlinkError> {
    let mut found = Vec::new();
    let read = |of: &[u8]| {
        let (prefix, index) = (*of.get(1)?, message::u32_at(of, 4)?);
        let attribute = |wanted| {
            let mut attributes = message::attributes(of.get(8..)?);
            attributes.find(|(kind, _)| *kind == wanted).and_then(|(_, bytes)| address(bytes))
        };
        // Of IPv6 only what has a peer has an address of its own beside that.
        Some((index, attribute(IFA_LOCAL).or_else(|| attribute(IFA_ADDRESS))?, prefix))
    };
    connection.query(Message::new(GETADDR, DUMP, &[0; 8]), |of| found.extend(read(of)))?;
    Ok(found)
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from).ok();
    four.or_else(|| <[u8; 16]>::try_from(bytes).map(IpAddr::from).ok())
}

/// The index of the link called `name`, or `None` where there is none. No link has a name that is too long.
pub(super) fn index(connection: &mut Connection, name: &str) -> Result<Option<u32>, NetlinkError> {
    if name.len() > LONGEST_NAME {
        return Ok(None);
    }
    let request = Message::new(GETLINK, ACK, &link_header(0, false)).string(IFNAME, name);
    let mut index = None;
    match connection.query(request, |link| index = message::u32_at(link, 4)) {
        Err(error) if error.errno() == Some(rustix::io::Errno::NODEV) => Ok(None),
        result => result.map(|()| index),
    }
}
