//! Which subnet a network gets, and which address a container: pure choices among what others have left.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{InvalidSubnet, IpFamily, Subnet};

/// A shorter route is a default route in disguise (VPNs set 0.0.0.0/1 and 128.0.0.0/1), not somebody's network.
const SHORTEST_NETWORK: u8 = 8;
/// How many of those who have a pool's addresses an error names.
const NAMED: usize = 3;

/// Addresses from which subnets are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "PoolText", into = "PoolText")]
pub struct SubnetPool {
    base: Subnet,
    size: u8,
}

/// A pool as it is written: `base = "172.28.0.0/14", size = 24`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PoolText {
    base: String,
    size: u8,
}

/// Why something is no pool of subnets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPool {
    /// Its base is none.
    #[error(transparent)]
    Base(#[from] InvalidSubnet),
    /// No subnet of that size is in it.
    #[error("the pool {base} has no subnets of size {size}: the size is the prefix length of each, from {} to {}", base.prefix(), longest(*base))]
    Size {
        /// All of the pool.
        base: Subnet,
        /// The prefix length asked for.
        size: u8,
    },
}

/// The longest prefix of a subnet that has room for a gateway and a container.
fn longest(base: Subnet) -> u8 {
    base.family().bits() - 2
}

impl SubnetPool {
    /// The addresses of `base`, taken in subnets with prefixes of `size` bits.
    ///
    /// # Errors
    /// [`InvalidPool::Size`] unless `base` has such a subnet, and that has room for a container.
    pub fn new(base: Subnet, size: u8) -> Result<Self, InvalidPool> {
        if (base.prefix()..=longest(base)).contains(&size) {
            Ok(Self { base, size })
        } else {
            Err(InvalidPool::Size { base, size })
        }
    }

    /// Of which kind its addresses are.
    #[must_use]
    pub fn family(&self) -> IpFamily {
        self.base.family()
    }

    /// Where subnets are taken from unless told otherwise, in this order: /24, which is 253 containers and a gateway.
    /// Docker counts up from 172.17.0.0 and cloud providers like the low end of 10.0.0.0, so each pool begins where a
    /// collision later on is least likely.
    #[must_use]
    pub fn defaults() -> Vec<Self> {
        [(Ipv4Addr::new(172, 28, 0, 0), 14), (Ipv4Addr::new(10, 224, 0, 0), 11), (Ipv4Addr::new(192, 168, 128, 0), 17)]
            .map(|(address, prefix)| Self { base: Subnet::containing(address, prefix), size: 24 })
            .into()
    }

    /// The /64s of a unique local prefix that `seed` makes the owner's own. See RFC 4193.
    #[must_use]
    pub fn unique_local(seed: [u8; 5]) -> Self {
        let [a, b, c, d, e] = seed;
        let prefix = Ipv6Addr::from([0xfd, a, b, c, d, e, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        Self { base: Subnet::containing(prefix, 48), size: 64 }
    }

    /// Its subnets, each once, from number `start` on; those before it come last.
    fn subnets(self, start: u64) -> impl Iterator<Item = Subnet> {
        let count = self.base.count(self.size);
        let start = u128::from(start) % count;
        (0..count).filter_map(move |index| self.base.part(self.size, (start + index) % count))
    }
}

impl TryFrom<PoolText> for SubnetPool {
    type Error = InvalidPool;
    fn try_from(text: PoolText) -> Result<Self, InvalidPool> {
        Self::new(Subnet::from_str(&text.base)?, text.size)
    }
}

impl From<SubnetPool> for PoolText {
    fn from(pool: SubnetPool) -> Self {
        Self { base: pool.base.to_string(), size: pool.size }
    }
}

impl SubnetPool {
    /// The same addresses in subnets that have room for so many hosts beside a gateway, as far as there are: of its own
    /// size, or larger.
    #[must_use]
    pub fn with_room(self, hosts: u64) -> Self {
        let bits = u32::from(self.base.family().bits());
        // The network's own address, the gateway's, and that of everyone.
        let needed = u64::BITS - hosts.saturating_add(3 - 1).leading_zeros();
        let prefix = u8::try_from(bits.saturating_sub(needed)).unwrap_or(self.size);
        Self { size: self.size.min(prefix).max(self.base.prefix()), ..self }
    }
}

impl fmt::Display for SubnetPool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.base)
    }
}

/// A subnet that somebody has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim {
    /// What is taken.
    pub subnet: Subnet,
    /// By whom, in words: `route 10.8.0.0/24 of tun0`.
    pub owner: String,
}

/// Why there is nothing left to give.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IpamError {
    /// Every subnet of every pool is somebody's.
    #[error("no free {family} subnet in the address pools {pools}: they are taken by {owners}; give the network a `subnet`, or name another pool in config.toml: `[network]` `address_pools = [{{ base = \"{example}\", size = {size} }}]`", example = example(*.family), size = if *.family == IpFamily::V4 { 24 } else { 64 })]
    NoFreeSubnet {
        /// Of which kind.
        family: IpFamily,
        /// The pools.
        pools: String,
        /// Who has what is in them.
        owners: String,
    },
    /// Every address of the subnet is in use.
    #[error("no free address in {range}")]
    NoFreeAddress {
        /// The subnet that is full, or the range in it.
        range: Subnet,
    },
}

fn example(family: IpFamily) -> &'static str {
    if family == IpFamily::V4 { "10.99.0.0/16" } else { "fd12:3456:789a::/48" }
}

/// The first subnet of `pools`, the one with the number `start` before the others of its pool, that is clear of everything
/// in `taken`: the machine's routes (see [`super::routes`]) and whatever networks are known but not up. A `start` made from
/// the network's name gives it the same subnet each time that it is free.
///
/// # Errors
/// [`IpamError::NoFreeSubnet`].
pub fn choose_subnet(family: IpFamily, pools: &[SubnetPool], taken: &[Claim], start: u64) -> Result<Subnet, IpamError> {
    let pools: Vec<SubnetPool> = pools.iter().filter(|pool| pool.family() == family).copied().collect();
    let in_pools = |claim: &&Claim| pools.iter().any(|pool| pool.base.overlaps(&claim.subnet));
    let taken: Vec<&Claim> =
        taken.iter().filter(|claim| claim.subnet.prefix() >= SHORTEST_NETWORK).filter(in_pools).collect();
    let free = |candidate: &Subnet| !taken.iter().any(|claim| claim.subnet.overlaps(candidate));
    let found = pools.iter().flat_map(|pool| pool.subnets(start)).find(free);
    found.ok_or_else(|| IpamError::NoFreeSubnet {
        family,
        pools: list(pools.iter().map(ToString::to_string), pools.len()),
        owners: owners(taken),
    })
}

/// Those who have most of it.
fn owners(mut taken: Vec<&Claim>) -> String {
    taken.sort_by_key(|claim| claim.subnet.prefix());
    let mut owners: Vec<&str> = taken.iter().map(|claim| claim.owner.as_str()).collect();
    owners.dedup();
    list(owners.iter().map(ToString::to_string), NAMED)
}

/// The first `most` of these, and how many there are besides.
fn list(items: impl ExactSizeIterator<Item = String>, most: usize) -> String {
    let more = items.len().saturating_sub(most);
    let first: Vec<String> = items.take(most).collect();
    match (first.is_empty(), more) {
        (true, _) => "nobody".to_owned(),
        (false, 0) => first.join(", "),
        (false, more) => format!("{} and {more} more", first.join(", ")),
    }
}

/// The addresses that a network gives out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressPool {
    /// All addresses of the network.
    pub subnet: Subnet,
    /// That of the bridge.
    pub gateway: Option<IpAddr>,
    /// Where the given out ones are from, if not from all of it.
    pub range: Option<Subnet>,
    /// Those that somebody outside has.
    pub reserved: BTreeSet<IpAddr>,
}

impl AddressPool {
    /// The lowest address that is neither the gateway's, nor reserved, nor in `used`.
    ///
    /// # Errors
    /// [`IpamError::NoFreeAddress`].
    pub fn choose(&self, used: &BTreeSet<IpAddr>) -> Result<IpAddr, IpamError> {
        let range = self.range.unwrap_or(self.subnet);
        let mut addresses = (0..).map_while(|index| range.nth(index));
        let free =
            |address: &IpAddr| self.subnet.is_host(*address) && self.is_free(*address) && !used.contains(address);
        addresses.find(free).ok_or(IpamError::NoFreeAddress { range })
    }

    /// Whether neither the bridge nor somebody outside has `address`.
    #[must_use]
    pub fn is_free(&self, address: IpAddr) -> bool {
        self.gateway != Some(address) && !self.reserved.contains(&address)
    }

    /// The address of the bridge when nobody says one: the first that is nobody's.
    #[must_use]
    pub fn default_gateway(subnet: &Subnet, reserved: &BTreeSet<IpAddr>) -> IpAddr {
        subnet.hosts().find(|address| !reserved.contains(address)).unwrap_or_else(|| subnet.gateway())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn claims(texts: &[&str]) -> Vec<Claim> {
        let claim = |text: &&str| Claim { subnet: text.parse().unwrap(), owner: format!("route {text}") };
        texts.iter().map(claim).collect()
    }

    fn choose(taken: &[&str], start: u64) -> Result<Subnet, IpamError> {
        choose_subnet(IpFamily::V4, &SubnetPool::defaults(), &claims(taken), start)
    }

    #[test]
    fn subnets_have_room_for_all_who_are_known() {
        let pool = SubnetPool::new("172.28.0.0/14".parse().unwrap(), 24).unwrap();
        for (hosts, size) in [(0, 24), (253, 24), (254, 23), (509, 23), (510, 22), (1000, 22), (u64::MAX, 14)] {
            let roomy = pool.with_room(hosts);
            assert_eq!((roomy.base, roomy.size), (pool.base, size), "{hosts}");
        }
        let local = SubnetPool::unique_local([1, 2, 3, 4, 5]);
        assert_eq!(local.with_room(100_000), local);
    }

    #[test]
    fn subnets_avoid_what_is_taken() {
        for (taken, start, expect) in [
            (&[][..], 0, "172.28.0.0/24"),
            (&[], 259, "172.29.3.0/24"),
            (&["172.29.3.0/24"], 259, "172.29.4.0/24"),
            (&["172.31.255.0/24"], 1023, "172.28.0.0/24"),
            (&["172.28.0.0/24", "172.28.1.7/32"], 0, "172.28.2.0/24"),
            (&["172.16.0.0/12"], 0, "10.224.0.0/24"),
            (&["172.16.0.0/12", "10.0.0.0/8"], 0, "192.168.128.0/24"),
            (&["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1"], 0, "172.28.0.0/24"),
        ] {
            assert_eq!(choose(taken, start).unwrap().to_string(), expect);
        }
    }

    #[test]
    fn an_exhausted_pool_says_by_whom() {
        let error = choose(&["172.16.0.0/12", "10.0.0.0/8", "192.168.0.0/16", "172.28.1.0/24"], 0).unwrap_err();
        insta::assert_snapshot!(error, @r#"no free IPv4 subnet in the address pools 172.28.0.0/14, 10.224.0.0/11, 192.168.128.0/17: they are taken by route 10.0.0.0/8, route 172.16.0.0/12, route 192.168.0.0/16 and 1 more; give the network a `subnet`, or name another pool in config.toml: `[network]` `address_pools = [{ base = "10.99.0.0/16", size = 24 }]`"#);
    }

    #[test]
    fn pools_of_ones_own() {
        let pool = |base: &str, size| SubnetPool::new(base.parse().unwrap(), size);
        let small = pool("10.99.0.0/29", 30).unwrap();
        let of =
            |taken: &[&str]| choose_subnet(IpFamily::V4, &[small], &claims(taken), 0).map(|subnet| subnet.to_string());
        assert_eq!(of(&[]), Ok("10.99.0.0/30".to_owned()));
        assert_eq!(of(&["10.99.0.0/30"]), Ok("10.99.0.4/30".to_owned()));
        assert!(of(&["10.99.0.0/30", "10.99.0.4/30"]).is_err());
        let error = pool("10.99.0.0/29", 31).unwrap_err();
        insta::assert_snapshot!(error, @"the pool 10.99.0.0/29 has no subnets of size 31: the size is the prefix length of each, from 29 to 30");
        assert!(pool("10.99.0.0/29", 24).is_err());
        let local = SubnetPool::unique_local([1, 2, 3, 4, 5]);
        let of = |start| choose_subnet(IpFamily::V6, &[small, local], &[], start).unwrap().to_string();
        assert_eq!(of(0), "fd01:203:405::/64");
        assert_eq!(of(u64::MAX), "fd01:203:405:ffff::/64");
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn addresses_count_up_and_leave_out_what_is_not_theirs() {
        let pool = |subnet: &str, range: Option<&str>, gateway: &str, reserved: &[&str]| AddressPool {
            subnet: subnet.parse().unwrap(),
            gateway: Some(address(gateway)),
            range: range.map(|range| range.parse().unwrap()),
            reserved: reserved.iter().map(|text| address(text)).collect(),
        };
        for (pool, expected) in [
            (
                pool("172.28.0.0/29", None, "172.28.0.1", &["172.28.0.3"]),
                &["172.28.0.2", "172.28.0.4", "172.28.0.5", "172.28.0.6"][..],
            ),
            (
                pool("172.28.0.0/29", None, "172.28.0.6", &[]),
                &["172.28.0.1", "172.28.0.2", "172.28.0.3", "172.28.0.4", "172.28.0.5"],
            ),
            (pool("172.28.0.0/16", Some("172.28.5.0/31"), "172.28.0.1", &[]), &["172.28.5.0", "172.28.5.1"]),
            (pool("172.28.0.0/16", Some("172.28.255.254/31"), "172.28.0.1", &[]), &["172.28.255.254"]),
            (pool("fd00::/126", None, "fd00::1", &[]), &["fd00::2", "fd00::3"]),
            (pool("fd00::/64", Some("fd00::ff:0/127"), "fd00::1", &[]), &["fd00::ff:0", "fd00::ff:1"]),
        ] {
            let mut used = BTreeSet::new();
            for expected in expected {
                let chosen = pool.choose(&used).unwrap();
                assert_eq!(chosen, address(expected));
                used.insert(chosen);
            }
            assert_eq!(pool.choose(&used), Err(IpamError::NoFreeAddress { range: pool.range.unwrap_or(pool.subnet) }));
            used.remove(&address(expected[0]));
            assert_eq!(pool.choose(&used), Ok(address(expected[0])));
        }
    }

    proptest! {
        #[test]
        fn a_chosen_subnet_overlaps_nothing(taken in prop::collection::vec((any::<u32>(), 8u8..=32), 0..40), start: u64) {
            let claim = |(bits, prefix)| Claim { subnet: Subnet::containing(Ipv4Addr::from_bits(bits), prefix), owner: String::new() };
            let taken: Vec<Claim> = taken.into_iter().map(claim).collect();
            if let Ok(chosen) = choose_subnet(IpFamily::V4, &SubnetPool::defaults(), &taken, start) {
                prop_assert!(taken.iter().all(|claim| !claim.subnet.overlaps(&chosen)));
            }
        }

        #[test]
        fn a_chosen_address_is_free_and_a_host(bits in any::<u32>(), prefix in 16u8..=32, used in prop::collection::btree_set(0u128..64, 0..64)) {
            let subnet = Subnet::containing(Ipv4Addr::from_bits(bits), prefix);
            let used: BTreeSet<IpAddr> = used.into_iter().filter_map(|index| subnet.nth(index)).collect();
            let pool = AddressPool { subnet, gateway: Some(subnet.gateway()), range: None, reserved: BTreeSet::new() };
            if let Ok(address) = pool.choose(&used) {
                prop_assert!(subnet.is_host(address) && !used.contains(&address));
                prop_assert!(address != subnet.gateway());
            }
        }
    }
}
