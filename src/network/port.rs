//! Published ports: what is sent where.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// What runs over IP and has ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TransportProtocol {
    /// Connections.
    Tcp,
    /// Datagrams.
    Udp,
    /// Connections of several streams.
    Sctp,
}

impl TransportProtocol {
    /// Its number in an IP header: `IPPROTO_*`.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
            Self::Sctp => 132,
        }
    }
}

impl fmt::Display for TransportProtocol {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        })
    }
}

/// Published ports in a row: what arrives for them is sent on to a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortForward {
    /// The address of this machine; 0.0.0.0 or :: for every one of that family; or that of the container.
    pub host_ip: IpAddr,
    /// The first port of this machine.
    pub host_port: u16,
    /// How many of them there are.
    pub count: u16,
    /// What runs over them.
    pub protocol: TransportProtocol,
    /// The address of the container, of the same family, and the first of its ports.
    pub to: SocketAddr,
}

impl PortForward {
    /// Whether the address is the container's own: there is nothing to translate, what is sent there is let in.
    #[must_use]
    pub fn is_direct(&self) -> bool {
        self.host_ip == self.to.ip()
    }
}
