//! Published ports: what is sent where, and the sockets that keep a port of the machine ours.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::ops::RangeInclusive;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{self, AddressFamily, SocketFlags, SocketType, sockopt};

use super::port_owner;

/// What runs over IP and has ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TransportProtocol {
    /// Connections.
    Tcp,
    /// Datagrams.
    Udp,
}

impl TransportProtocol {
    /// Its number in an IP header: `IPPROTO_*`.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
        }
    }
}

impl fmt::Display for TransportProtocol {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

/// A published port: what arrives for it is sent on to a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortForward {
    /// The address of this machine; every one if not given, or 0.0.0.0.
    pub host_ip: Option<Ipv4Addr>,
    /// The port of this machine.
    pub host_port: u16,
    /// What runs over it.
    pub protocol: TransportProtocol,
    /// The address of the container, and its port.
    pub to: SocketAddrV4,
}

/// A port of this machine that no other process can take for as long as this lives. It answers nobody: the firewall
/// sends what arrives on before it gets here.
#[derive(Debug)]
pub struct PortReservation {
    port: u16,
    socket: OwnedFd,
}

impl PortReservation {
    /// The port: one out of the range that was asked for.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl AsFd for PortReservation {
    /// The socket: whoever has a copy of it keeps the port.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Why a port cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// Somebody has it.
    #[error("port {address}:{port}/{protocol} is already in use{}", by(.process.as_deref()))]
    InUse {
        /// The address asked for.
        address: Ipv4Addr,
        /// The port asked for: the last of a range.
        port: u16,
        /// What runs over it.
        protocol: TransportProtocol,
        /// Who has it, `nginx (pid 4711)`, where that can be told.
        process: Option<String>,
    },
    /// The machine does not have the address.
    #[error("cannot publish a port on {address}: this machine does not have the address")]
    NoSuchAddress {
        /// The address asked for.
        address: Ipv4Addr,
    },
    /// Anything else.
    #[error("cannot reserve port {port}/{protocol} on {address}")]
    Reserve {
        /// The address asked for.
        address: Ipv4Addr,
        /// The port asked for.
        port: u16,
        /// What runs over it.
        protocol: TransportProtocol,
        /// What `socket(2)` or `bind(2)` said.
        source: io::Error,
    },
}

fn by(process: Option<&str>) -> String {
    process.map(|process| format!(" by {process}")).unwrap_or_default()
}

/// Takes the first free port of `range` (any that the kernel likes if there is none) on `host_ip` (every address if
/// not given), in the namespace of the calling thread.
///
/// # Errors
/// [`PortError::InUse`] when all of the range is taken, telling who has its last port.
pub fn reserve_port(
    host_ip: Option<Ipv4Addr>,
    range: Option<RangeInclusive<u16>>,
    protocol: TransportProtocol,
) -> Result<PortReservation, PortError> {
    let address = host_ip.unwrap_or(Ipv4Addr::UNSPECIFIED);
    let range = range.unwrap_or(0..=0);
    let last = *range.end();
    for port in range {
        match reserve(SocketAddrV4::new(address, port), protocol) {
            Ok(reservation) => return Ok(reservation),
            Err(Errno::ADDRINUSE) => {}
            Err(Errno::ADDRNOTAVAIL) => return Err(PortError::NoSuchAddress { address }),
            Err(error) => return Err(PortError::Reserve { address, port, protocol, source: error.into() }),
        }
    }
    let process = port_owner::find(address, last, protocol);
    Err(PortError::InUse { address, port: last, protocol, process })
}

/// Binds without `SO_REUSEADDR`: with it on both sides, two sockets of which neither listens may share a port.
///
/// That is too strict in one case: a server that is gone leaves connections in TIME_WAIT behind, which keep the port for
/// a minute. A socket that listens is as exclusive, and does not mind those.
fn reserve(address: SocketAddrV4, protocol: TransportProtocol) -> Result<PortReservation, Errno> {
    match (bind(address, protocol, false), protocol) {
        (Err(Errno::ADDRINUSE), TransportProtocol::Tcp) => {
            let reservation = bind(address, protocol, true)?;
            net::listen(&reservation.socket, 0)?;
            Ok(reservation)
        }
        (result, _) => result,
    }
}

fn bind(address: SocketAddrV4, protocol: TransportProtocol, reuse: bool) -> Result<PortReservation, Errno> {
    let kind = match protocol {
        TransportProtocol::Tcp => SocketType::STREAM,
        TransportProtocol::Udp => SocketType::DGRAM,
    };
    let socket = net::socket_with(AddressFamily::INET, kind, SocketFlags::CLOEXEC, None)?;
    sockopt::set_socket_reuseaddr(&socket, reuse)?;
    net::bind(&socket, &address)?;
    let bound = SocketAddrV4::try_from(net::getsockname(&socket)?)?;
    Ok(PortReservation { port: bound.port(), socket })
}
