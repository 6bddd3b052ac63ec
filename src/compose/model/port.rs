//! `ports`.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// One published port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Port {
    /// The port in the container.
    pub target: u16,
    /// The first and last host port to choose from; `None` lets the kernel choose. First = last for a fixed port.
    pub published: Option<(u16, u16)>,
    /// The host address to bind; all when `None`.
    pub host_ip: Option<IpAddr>,
    /// The protocol.
    pub protocol: Protocol,
}

/// A transport protocol of a published port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}
