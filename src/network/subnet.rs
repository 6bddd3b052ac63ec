//! An IPv4 network in CIDR notation.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// An IPv4 network: `172.28.0.0/24`. The bits past the prefix are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Subnet {
    address: Ipv4Addr,
    prefix: u8,
}

/// Why a text is not a subnet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSubnet {
    /// It is not `address/prefix`.
    #[error("invalid subnet `{0}`: want an IPv4 address and a prefix length, like `172.28.0.0/24`")]
    Syntax(String),
    /// The address is that of a host in it.
    #[error("invalid subnet `{found}`: host bits are set, the network is `{network}`")]
    HostBits {
        /// What was found.
        found: String,
        /// The network that has this address.
        network: Subnet,
    },
}

impl Subnet {
    /// The network of `prefix` bits that `address` is in.
    ///
    /// A prefix past 32 counts as 32.
    #[must_use]
    pub fn containing(address: Ipv4Addr, prefix: u8) -> Self {
        let prefix = prefix.min(32);
        Self { address: Ipv4Addr::from_bits(address.to_bits() & mask(prefix)), prefix }
    }

    /// The lowest address: that of the network itself.
    #[must_use]
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// How many leading bits all addresses share.
    #[must_use]
    pub fn prefix(&self) -> u8 {
        self.prefix
    }

    /// The prefix as a mask: `255.255.255.0`.
    #[must_use]
    pub fn mask(&self) -> Ipv4Addr {
        Ipv4Addr::from_bits(mask(self.prefix))
    }

    /// The highest address: everyone in the network.
    #[must_use]
    pub fn broadcast(&self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.address.to_bits() | !mask(self.prefix))
    }

    /// The address the bridge takes unless told otherwise: the first of the hosts'.
    #[must_use]
    pub fn gateway(&self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.address.to_bits().saturating_add(1))
    }

    /// Whether `address` is in the network.
    #[must_use]
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        Self::containing(address, self.prefix) == *self
    }

    /// Whether some address is in both networks.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let prefix = self.prefix.min(other.prefix);
        Self::containing(self.address, prefix) == Self::containing(other.address, prefix)
    }

    /// Every address a host may have, lowest first: all but the network's own and the broadcast address.
    pub fn hosts(&self) -> impl Iterator<Item = Ipv4Addr> + use<> {
        let (first, last) = (u64::from(self.address.to_bits()) + 1, u64::from(self.broadcast().to_bits()));
        (first..last).map_while(|bits| u32::try_from(bits).ok()).map(Ipv4Addr::from_bits)
    }
}

fn mask(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0)
}

impl fmt::Display for Subnet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.address, self.prefix)
    }
}

impl FromStr for Subnet {
    type Err = InvalidSubnet;
    fn from_str(text: &str) -> Result<Self, InvalidSubnet> {
        let syntax = || InvalidSubnet::Syntax(text.to_owned());
        let (address, prefix) = text.split_once('/').ok_or_else(syntax)?;
        let address: Ipv4Addr = address.parse().map_err(|_| syntax())?;
        let prefix: u8 = prefix.parse().ok().filter(|prefix| *prefix <= 32).ok_or_else(syntax)?;
        let network = Self::containing(address, prefix);
        if network.address == address {
            Ok(network)
        } else {
            Err(InvalidSubnet::HostBits { found: text.to_owned(), network })
        }
    }
}

impl TryFrom<String> for Subnet {
    type Error = InvalidSubnet;
    fn try_from(text: String) -> Result<Self, InvalidSubnet> {
        text.parse()
    }
}

impl From<Subnet> for String {
    fn from(subnet: Subnet) -> Self {
        subnet.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subnet(text: &str) -> Subnet {
        text.parse().unwrap()
    }

    #[test]
    fn texts() {
        for text in ["172.28.0.0/24", "0.0.0.0/0", "10.1.2.3/32", "10.0.0.0/8"] {
            assert_eq!(subnet(text).to_string(), text);
        }
        for text in ["", "10.0.0.0", "10.0.0/8", "10.0.0.0/33", "10.0.0.0/-1", "::/64"] {
            assert_eq!(text.parse::<Subnet>(), Err(InvalidSubnet::Syntax(text.to_owned())));
        }
        let error = "172.28.3.1/16".parse::<Subnet>().unwrap_err();
        insta::assert_snapshot!(error, @"invalid subnet `172.28.3.1/16`: host bits are set, the network is `172.28.0.0/16`");
    }

    #[test]
    fn addresses() {
        let net = subnet("172.28.4.0/30");
        assert_eq!(net.gateway(), Ipv4Addr::new(172, 28, 4, 1));
        assert_eq!(net.broadcast(), Ipv4Addr::new(172, 28, 4, 3));
        assert_eq!(net.hosts().collect::<Vec<_>>(), [Ipv4Addr::new(172, 28, 4, 1), Ipv4Addr::new(172, 28, 4, 2)]);
        assert_eq!(subnet("255.255.255.255/32").hosts().count(), 0);
        assert!(net.contains(Ipv4Addr::new(172, 28, 4, 3)));
        assert!(!net.contains(Ipv4Addr::new(172, 28, 4, 4)));
    }

    #[test]
    fn overlap_is_symmetric() {
        for (left, right, expect) in [
            ("10.0.0.0/8", "10.9.0.0/16", true),
            ("10.0.0.0/24", "10.0.1.0/24", false),
            ("0.0.0.0/0", "192.168.0.0/16", true),
            ("10.0.0.1/32", "10.0.0.1/32", true),
        ] {
            assert_eq!(subnet(left).overlaps(&subnet(right)), expect, "{left} {right}");
            assert_eq!(subnet(right).overlaps(&subnet(left)), expect, "{right} {left}");
        }
    }
}
