//! A network in CIDR notation, of either family.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A network: `172.28.0.0/24`, `fd00:1::/64`. The bits past the prefix are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Subnet {
    address: IpAddr,
    prefix: u8,
}

/// Which of the two Internet protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IpFamily {
    /// Addresses of four bytes.
    V4,
    /// Addresses of sixteen.
    V6,
}

impl IpFamily {
    /// That of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    /// How many bits an address has.
    #[must_use]
    pub fn bits(self) -> u8 {
        match self {
            Self::V4 => 32,
            Self::V6 => 128,
        }
    }

    /// The address with these bits; those that are too many are dropped.
    fn address(self, bits: u128) -> IpAddr {
        match self {
            Self::V4 => {
                let [.., a, b, c, d] = bits.to_be_bytes();
                Ipv4Addr::new(a, b, c, d).into()
            }
            Self::V6 => Ipv6Addr::from_bits(bits).into(),
        }
    }

    /// The highest address there is, as bits.
    fn last(self) -> u128 {
        u128::MAX >> (128 - u32::from(self.bits()))
    }
}

impl fmt::Display for IpFamily {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

/// Why a text is not a subnet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSubnet {
    /// It is not `address/prefix`.
    #[error("invalid subnet `{0}`: want an address and a prefix length, like `172.28.0.0/24` or `fd00:1::/64`")]
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
    /// A prefix longer than an address counts as one that long.
    #[must_use]
    pub fn containing(address: impl Into<IpAddr>, prefix: u8) -> Self {
        let address = address.into();
        let family = IpFamily::of(address);
        let prefix = prefix.min(family.bits());
        Self { address: family.address(bits(address) & mask(family, prefix)), prefix }
    }

    /// The lowest address: that of the network itself.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Of which kind its addresses are.
    #[must_use]
    pub fn family(&self) -> IpFamily {
        IpFamily::of(self.address)
    }

    /// How many leading bits all addresses share.
    #[must_use]
    pub fn prefix(&self) -> u8 {
        self.prefix
    }

    /// The prefix as a mask: `255.255.255.0`.
    #[must_use]
    pub fn mask(&self) -> IpAddr {
        self.family().address(mask(self.family(), self.prefix))
    }

    /// The highest address: in IPv4 everyone in the network.
    #[must_use]
    pub fn last(&self) -> IpAddr {
        self.family().address(self.last_bits())
    }

    /// The address the bridge takes unless told otherwise: the first of the hosts'.
    #[must_use]
    pub fn gateway(&self) -> IpAddr {
        self.nth(1).unwrap_or(self.address)
    }

    /// The address that comes `index` after the network's own, if it is in the network.
    #[must_use]
    pub fn nth(&self, index: u128) -> Option<IpAddr> {
        let bits = bits(self.address).checked_add(index)?;
        (bits <= self.last_bits()).then(|| self.family().address(bits))
    }

    /// How many networks of `prefix` bits it can be divided into; none if that is a shorter prefix than its own.
    #[must_use]
    pub fn count(&self, prefix: u8) -> u128 {
        let bits = prefix.min(self.family().bits()).checked_sub(self.prefix).map(u32::from);
        bits.map_or(0, |bits| 1u128.checked_shl(bits).unwrap_or(u128::MAX))
    }

    /// Number `index` of the networks of `prefix` bits that it can be divided into.
    #[must_use]
    pub fn part(&self, prefix: u8, index: u128) -> Option<Self> {
        let size = u32::from(self.family().bits() - prefix.min(self.family().bits()));
        let offset = index.checked_shl(size).filter(|offset| offset.checked_shr(size) == Some(index))?;
        let address = self.nth(offset)?;
        (prefix >= self.prefix).then(|| Self::containing(address, prefix))
    }

    /// Whether `address` is in the network.
    #[must_use]
    pub fn contains(&self, address: impl Into<IpAddr>) -> bool {
        Self::containing(address, self.prefix) == *self
    }

    /// Whether all of `other` is in it.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        other.prefix >= self.prefix && self.contains(other.address)
    }

    /// Whether some address is in both networks.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.covers(other) || other.covers(self)
    }

    /// Whether a host may have `address`: not the network's own, which in IPv6 is that of all its routers, nor the
    /// broadcast address.
    #[must_use]
    pub fn is_host(&self, address: IpAddr) -> bool {
        self.contains(address) && address != self.address && !(address.is_ipv4() && address == self.last())
    }

    /// Every address a host may have, lowest first.
    pub fn hosts(&self) -> impl Iterator<Item = IpAddr> + use<> {
        let this = *self;
        (1..).map_while(move |index| this.nth(index)).filter(move |address| this.is_host(*address))
    }

    fn last_bits(&self) -> u128 {
        bits(self.address) | (self.family().last() & !mask(self.family(), self.prefix))
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn mask(family: IpFamily, prefix: u8) -> u128 {
    let host_bits = u32::from(family.bits().saturating_sub(prefix));
    u128::MAX.checked_shl(host_bits).unwrap_or(0) & family.last()
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
        let address: IpAddr = address.parse().map_err(|_| syntax())?;
        let longest = IpFamily::of(address).bits();
        let prefix: u8 = prefix.parse().ok().filter(|prefix| *prefix <= longest).ok_or_else(syntax)?;
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

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn texts() {
        for text in ["172.28.0.0/24", "0.0.0.0/0", "10.1.2.3/32", "10.0.0.0/8", "fd00:1::/64", "::/0", "::1/128"] {
            assert_eq!(subnet(text).to_string(), text);
        }
        for text in ["", "10.0.0.0", "10.0.0/8", "10.0.0.0/33", "10.0.0.0/-1", "::/129", "fd00:1/64"] {
            assert_eq!(text.parse::<Subnet>(), Err(InvalidSubnet::Syntax(text.to_owned())));
        }
        let error = "172.28.3.1/16".parse::<Subnet>().unwrap_err();
        insta::assert_snapshot!(error, @"invalid subnet `172.28.3.1/16`: host bits are set, the network is `172.28.0.0/16`");
        let error = "fd00::1/64".parse::<Subnet>().unwrap_err();
        insta::assert_snapshot!(error, @"invalid subnet `fd00::1/64`: host bits are set, the network is `fd00::/64`");
    }

    #[test]
    fn addresses() {
        for (text, mask, gateway, last, hosts) in [
            ("172.28.4.0/30", "255.255.255.252", "172.28.4.1", "172.28.4.3", &["172.28.4.1", "172.28.4.2"][..]),
            ("255.255.255.255/32", "255.255.255.255", "255.255.255.255", "255.255.255.255", &[]),
            (
                "fd00::/126",
                "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffc",
                "fd00::1",
                "fd00::3",
                &["fd00::1", "fd00::2", "fd00::3"],
            ),
        ] {
            let net = subnet(text);
            assert_eq!(net.mask(), address(mask));
            assert_eq!(net.gateway(), address(gateway));
            assert_eq!(net.last(), address(last));
            assert_eq!(net.hosts().collect::<Vec<_>>(), hosts.iter().map(|text| address(text)).collect::<Vec<_>>());
        }
        assert!(subnet("172.28.4.0/30").contains(address("172.28.4.3")));
        assert!(!subnet("172.28.4.0/30").contains(address("172.28.4.4")));
        assert!(subnet("fd00::/64").contains(address("fd00::ffff:0:0:1")));
        assert!(!subnet("fd00::/64").contains(address("fd00:0:0:1::1")));
        assert!(!subnet("::/0").contains(address("10.0.0.1")), "of the other family");
        assert_eq!(subnet("fd00::/64").hosts().next(), Some(address("fd00::1")), "however many there are");
    }

    #[test]
    fn parts() {
        for (text, prefix, count, index, part) in [
            ("172.28.0.0/14", 24, 1024, 1023, Some("172.31.255.0/24")),
            ("172.28.0.0/14", 24, 1024, 1024, None),
            ("10.0.0.0/24", 24, 1, 0, Some("10.0.0.0/24")),
            ("10.0.0.0/24", 16, 0, 0, None),
            ("fd00::/48", 64, 65536, 65535, Some("fd00:0:0:ffff::/64")),
            ("fd00::/48", 64, 65536, 65536, None),
            ("0.0.0.0/0", 32, 1 << 32, 5, Some("0.0.0.5/32")),
        ] {
            assert_eq!(subnet(text).count(prefix), count, "{text}");
            assert_eq!(subnet(text).part(prefix, index), part.map(subnet), "{text}");
        }
    }

    #[test]
    fn overlap_is_symmetric() {
        for (left, right, expect) in [
            ("10.0.0.0/8", "10.9.0.0/16", true),
            ("10.0.0.0/24", "10.0.1.0/24", false),
            ("0.0.0.0/0", "192.168.0.0/16", true),
            ("10.0.0.1/32", "10.0.0.1/32", true),
            ("fd00::/8", "fd12:3456::/48", true),
            ("::/0", "10.0.0.0/8", false),
        ] {
            assert_eq!(subnet(left).overlaps(&subnet(right)), expect, "{left} {right}");
            assert_eq!(subnet(right).overlaps(&subnet(left)), expect, "{right} {left}");
        }
        assert!(subnet("10.0.0.0/8").covers(&subnet("10.9.0.0/16")));
        assert!(!subnet("10.9.0.0/16").covers(&subnet("10.0.0.0/8")));
    }
}
