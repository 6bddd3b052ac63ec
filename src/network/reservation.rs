//! The sockets that keep ports of the machine ours.
//!
//! A port, or each of a few, is kept by a socket bound to it. Thousands of ports would take thousands of descriptors for as
//! long as the container lives, so that a long range is only looked through, port by port, and then marked as ours: by an
//! abstract Unix socket whose name says which ports it stands for. The kernel keeps those names per network namespace and
//! drops them with their last holder. Another container of ours sees the mark; another program may take a port of such a
//! range later, and gets what the machine sends itself over IPv6, but nothing that the firewall sends on.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{self, AddressFamily, SocketAddrUnix, SocketFlags, SocketType, sockopt};

use super::{TransportProtocol, port_owner};
use crate::sys::random;

/// How many ports in a row are kept by a socket each.
pub const MOST_SOCKETS: u16 = 32;
/// How the names of our marks begin.
const MARK: &str = "rcompose-ports/";

/// Ports of this machine that no other process can take for as long as this lives. They answer nobody: the firewall sends
/// what arrives on before it gets here.
#[derive(Debug)]
pub struct PortReservation {
    port: u16,
    sockets: Vec<OwnedFd>,
}

impl PortReservation {
    /// The port, or the first of several: one out of the range that was asked for.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The sockets: whoever has copies of them keeps the ports. In the order of the ports where there is one for each.
    pub fn sockets(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.sockets.iter().map(AsFd::as_fd)
    }

    /// The sockets to keep.
    pub(super) fn into_sockets(self) -> Vec<OwnedFd> {
        self.sockets
    }
}

/// Why a port cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// Somebody has it.
    #[error("port {address}/{protocol} is already in use{}", by(.process.as_deref()))]
    InUse {
        /// The address and the port asked for: the last of a range to choose from.
        address: SocketAddr,
        /// What runs over it.
        protocol: TransportProtocol,
        /// Who has it, `nginx (pid 4711)`, where that can be told.
        process: Option<String>,
    },
    /// The machine does not have the address.
    #[error("cannot publish a port on {address}: this machine does not have the address")]
    NoSuchAddress {
        /// The address asked for.
        address: IpAddr,
    },
    /// Anything else.
    #[error("cannot reserve port {address}/{protocol}")]
    Reserve {
        /// The address and the port asked for.
        address: SocketAddr,
        /// What runs over it.
        protocol: TransportProtocol,
        /// What `socket(2)` or `bind(2)` said.
        source: io::Error,
    },
}

fn by(process: Option<&str>) -> String {
    process.map(|process| format!(" by {process}")).unwrap_or_default()
}

/// Takes the first port of `range` (any that the kernel likes if there is none) that is free on all `addresses`, in the
/// namespace of the calling thread. There is one reservation for each address.
///
/// # Errors
/// [`PortError::InUse`] when all of the range is taken, telling who has its last port.
pub fn reserve_port(
    addresses: &[IpAddr],
    range: Option<RangeInclusive<u16>>,
    protocol: TransportProtocol,
) -> Result<Vec<PortReservation>, PortError> {
    /// How often another port is asked for that is free on the first address and not on the others.
    const ATTEMPTS: usize = 32;
    let candidates: Vec<u16> = match (range, protocol) {
        (Some(range), _) => range.collect(),
        // What a kernel without it cannot choose.
        (None, TransportProtocol::Sctp) => (0xc000..=u16::MAX).collect(),
        (None, _) => vec![0; ATTEMPTS],
    };
    let marks = marks();
    let mut last = None;
    for port in candidates {
        match reserve_on_all(addresses, port, protocol, &marks) {
            Err(error @ PortError::InUse { .. }) => last = Some(error),
            result => return result,
        }
    }
    // Only now is it looked up, which takes a while, who has it.
    Err(match last {
        Some(PortError::InUse { address, protocol, process }) => {
            PortError::InUse { address, protocol, process: process.or_else(|| port_owner::find(address, protocol)) }
        }
        Some(error) => error,
        None => PortError::Reserve {
            address: SocketAddr::new(IpAddr::from([0; 4]), 0),
            protocol,
            source: Errno::INVAL.into(),
        },
    })
}

fn reserve_on_all(
    addresses: &[IpAddr],
    port: u16,
    protocol: TransportProtocol,
    marks: &[Mark],
) -> Result<Vec<PortReservation>, PortError> {
    let mut reservations: Vec<PortReservation> = Vec::new();
    for address in addresses {
        // What the kernel chose on one address is what the others are to have.
        let port = reservations.first().map_or(port, PortReservation::port);
        let (port, socket) = reserve(SocketAddr::new(*address, port), protocol)?;
        refuse_marked(marks, *address, port..=port, protocol)?;
        reservations.push(PortReservation { port, sockets: vec![socket] });
    }
    Ok(reservations)
}

/// Takes all ports of `range` on `address`, in the namespace of the calling thread.
///
/// # Errors
/// [`PortError::InUse`] when any of them is taken, telling who has the first such.
pub fn reserve_range(
    address: IpAddr,
    range: RangeInclusive<u16>,
    protocol: TransportProtocol,
) -> Result<PortReservation, PortError> {
    let port = *range.start();
    let keeps_each = range.end() - range.start() < MOST_SOCKETS;
    let mut sockets = Vec::new();
    if !keeps_each {
        // Before it is looked at what others have: of two that do this at once, at least one sees the other.
        sockets.push(mark(address, &range, protocol)?);
    }
    let own = sockets.first().and_then(|mark| rustix::fs::fstat(mark).ok()).map(|stat| stat.st_ino);
    let others: Vec<Mark> = marks().into_iter().filter(|mark| Some(mark.inode) != own).collect();
    refuse_marked(&others, address, range.clone(), protocol)?;
    for port in range {
        let address = SocketAddr::new(address, port);
        let (_, socket) = reserve(address, protocol).map_err(|error| match error {
            PortError::InUse { address, protocol, process: None } => {
                PortError::InUse { address, protocol, process: port_owner::find(address, protocol) }
            }
            error => error,
        })?;
        if keeps_each {
            sockets.push(socket);
        }
    }
    Ok(PortReservation { port, sockets })
}

/// Binds a socket to the address, and tells the port that it got. Where the kernel has no such protocol, no other program
/// can have the port, and a mark keeps it from other containers.
fn reserve(address: SocketAddr, protocol: TransportProtocol) -> Result<(u16, OwnedFd), PortError> {
    let socket = bind_exclusively(address, protocol);
    let port = |socket: OwnedFd| Ok((SocketAddr::try_from(net::getsockname(&socket)?)?.port(), socket));
    match socket.and_then(port) {
        Ok(reserved) => Ok(reserved),
        Err(Errno::ADDRINUSE) => Err(PortError::InUse { address, protocol, process: None }),
        Err(Errno::ADDRNOTAVAIL) => Err(PortError::NoSuchAddress { address: address.ip() }),
        Err(Errno::PROTONOSUPPORT | Errno::SOCKTNOSUPPORT) if protocol == TransportProtocol::Sctp => {
            let port = address.port();
            Ok((port, mark(address.ip(), &(port..=port), protocol)?))
        }
        Err(error) => Err(PortError::Reserve { address, protocol, source: error.into() }),
    }
}

/// Binds without `SO_REUSEADDR`: with it on both sides, two sockets of which neither listens may share a port.
///
/// That is too strict in one case: a server that is gone leaves connections in TIME_WAIT behind, which keep the port for
/// a minute. A socket that listens is as exclusive, and does not mind those.
fn bind_exclusively(address: SocketAddr, protocol: TransportProtocol) -> Result<OwnedFd, Errno> {
    match (bind(address, protocol, false), protocol) {
        (Err(Errno::ADDRINUSE), TransportProtocol::Tcp) => {
            let socket = bind(address, protocol, true)?;
            net::listen(&socket, 0)?;
            Ok(socket)
        }
        (result, _) => result,
    }
}

fn bind(address: SocketAddr, protocol: TransportProtocol, reuse: bool) -> Result<OwnedFd, Errno> {
    let (kind, protocol) = match protocol {
        TransportProtocol::Tcp => (SocketType::STREAM, None),
        TransportProtocol::Udp => (SocketType::DGRAM, None),
        TransportProtocol::Sctp => (SocketType::STREAM, Some(net::ipproto::SCTP)),
    };
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = net::socket_with(family, kind, SocketFlags::CLOEXEC, protocol)?;
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    sockopt::set_socket_reuseaddr(&socket, reuse)?;
    net::bind(&socket, &address)?;
    Ok(socket)
}

/// A range that somebody has marked.
#[derive(Debug, PartialEq, Eq)]
struct Mark {
    /// The number of its socket, by which its holder is found.
    inode: u64,
    address: IpAddr,
    range: RangeInclusive<u16>,
    protocol: String,
}

/// Marks a range as ours. The name ends with something of chance, for two to be able to mark the same one and see it.
fn mark(address: IpAddr, range: &RangeInclusive<u16>, protocol: TransportProtocol) -> Result<OwnedFd, PortError> {
    let failed = |error: Errno| PortError::Reserve {
        address: SocketAddr::new(address, *range.start()),
        protocol,
        source: error.into(),
    };
    let name = format!("{MARK}{}-{}/{protocol}/{address}/{}", range.start(), range.end(), random::hex(4));
    let socket = net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None);
    let bind = |socket: OwnedFd| {
        net::bind(&socket, &SocketAddrUnix::new_abstract_name(name.as_bytes())?)?;
        Ok(socket)
    };
    socket.and_then(bind).map_err(failed)
}

/// The marks of others and ourselves in the namespace of the calling thread: see `proc_net(5)`.
fn marks() -> Vec<Mark> {
    let table = fs_err::read_to_string("/proc/thread-self/net/unix").unwrap_or_default();
    table.lines().filter_map(parse_mark).collect()
}

/// `Num RefCount Protocol Flags Type St Inode @name`.
fn parse_mark(line: &str) -> Option<Mark> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [_, _, _, _, _, _, inode, name] = fields[..] else { return None };
    let mut parts = name.strip_prefix('@')?.strip_prefix(MARK)?.split('/');
    let (first, last) = parts.next()?.split_once('-')?;
    let range = first.parse().ok()?..=last.parse().ok()?;
    let protocol = parts.next()?.to_owned();
    Some(Mark { inode: inode.parse().ok()?, address: parts.next()?.parse().ok()?, range, protocol })
}

/// Fails if others have marked any of the ports.
fn refuse_marked(
    marks: &[Mark],
    address: IpAddr,
    range: RangeInclusive<u16>,
    protocol: TransportProtocol,
) -> Result<(), PortError> {
    let is_same = |other: &IpAddr| {
        other.is_ipv4() == address.is_ipv4()
            && (*other == address || other.is_unspecified() || address.is_unspecified())
    };
    let clashes = |mark: &&Mark| {
        mark.protocol == protocol.to_string()
            && is_same(&mark.address)
            && mark.range.start() <= range.end()
            && range.start() <= mark.range.end()
    };
    match marks.iter().find(clashes) {
        None => Ok(()),
        Some(mark) => Err(PortError::InUse {
            address: SocketAddr::new(address, *mark.range.start().max(range.start())),
            protocol,
            process: port_owner::holder(mark.inode),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_as_they_are_written() {
        let line =
            "0000000000000000: 00000002 00000000 00000000 0001 01 4711 @rcompose-ports/20000-29999/udp/::/0a1b2c3d";
        let mark = parse_mark(line).unwrap();
        let expected =
            Mark { inode: 4711, address: "::".parse().unwrap(), range: 20_000..=29_999, protocol: "udp".to_owned() };
        assert_eq!(mark, expected);
        assert_eq!(parse_mark("0: 00000002 00000000 00000000 0001 01 4712 @/tmp/other"), None);
        assert_eq!(parse_mark("Num       RefCount Protocol Flags    Type St Inode Path"), None);
    }
}
