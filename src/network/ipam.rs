//! Which subnet a network gets, and which address a container: pure choices among what others have left.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::Subnet;

/// Where subnets are taken from, in this order. Docker counts up from 172.17.0.0 and cloud providers like the low end
/// of 10.0.0.0, so each range begins where a collision later on is least likely.
const POOLS: [(Ipv4Addr, u8); 3] =
    [(Ipv4Addr::new(172, 28, 0, 0), 14), (Ipv4Addr::new(10, 224, 0, 0), 11), (Ipv4Addr::new(192, 168, 128, 0), 17)];
/// Every chosen subnet is a /24: 253 containers and a gateway.
const PREFIX: u8 = 24;
/// A shorter route is a default route in disguise (VPNs set 0.0.0.0/1 and 128.0.0.0/1), not somebody's network.
const SHORTEST_NETWORK: u8 = 8;

/// Why there is nothing left to give.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IpamError {
    /// Every private range is routed somewhere already.
    #[error("no free /24 among the private address ranges: every one overlaps a route or network of this machine")]
    NoFreeSubnet,
    /// Every address of the subnet is in use.
    #[error("no free address in subnet {subnet}")]
    NoFreeAddress {
        /// The subnet that is full.
        subnet: Subnet,
    },
}

/// The first /24 of private space clear of every subnet in `taken`: the machine's routes (see [`super::routes`]) and
/// whatever networks are known but not up.
///
/// # Errors
/// [`IpamError::NoFreeSubnet`].
pub fn choose_subnet(taken: &[Subnet]) -> Result<Subnet, IpamError> {
    let taken: Vec<&Subnet> = taken.iter().filter(|subnet| subnet.prefix() >= SHORTEST_NETWORK).collect();
    POOLS
        .iter()
        .flat_map(|&(base, prefix)| (0..1u32 << (PREFIX - prefix)).map(move |index| base.to_bits() + (index << 8)))
        .map(|bits| Subnet::containing(Ipv4Addr::from_bits(bits), PREFIX))
        .find(|candidate| !taken.iter().any(|subnet| subnet.overlaps(candidate)))
        .ok_or(IpamError::NoFreeSubnet)
}

/// The lowest address of `subnet` that is neither its default gateway nor in `used`; a gateway of the user's choice
/// belongs in `used`.
///
/// # Errors
/// [`IpamError::NoFreeAddress`].
pub fn choose_address(subnet: &Subnet, used: &BTreeSet<Ipv4Addr>) -> Result<Ipv4Addr, IpamError> {
    subnet.hosts().skip(1).find(|address| !used.contains(address)).ok_or(IpamError::NoFreeAddress { subnet: *subnet })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn subnets(texts: &[&str]) -> Vec<Subnet> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn subnets_avoid_what_is_taken() {
        for (taken, expect) in [
            (&[][..], "172.28.0.0/24"),
            (&["172.28.0.0/24", "172.28.1.7/32"], "172.28.2.0/24"),
            (&["172.16.0.0/12"], "10.224.0.0/24"),
            (&["172.16.0.0/12", "10.0.0.0/8"], "192.168.128.0/24"),
            (&["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1"], "172.28.0.0/24"),
        ] {
            assert_eq!(choose_subnet(&subnets(taken)).unwrap().to_string(), expect);
        }
        let all = subnets(&["172.16.0.0/12", "10.0.0.0/8", "192.168.0.0/16"]);
        assert_eq!(choose_subnet(&all), Err(IpamError::NoFreeSubnet));
    }

    #[test]
    fn addresses_count_up_after_the_gateway() {
        let subnet: Subnet = "172.28.0.0/29".parse().unwrap();
        let mut used = BTreeSet::new();
        for last in 2..=6 {
            let address = choose_address(&subnet, &used).unwrap();
            assert_eq!(address, Ipv4Addr::new(172, 28, 0, last));
            used.insert(address);
        }
        assert_eq!(choose_address(&subnet, &used), Err(IpamError::NoFreeAddress { subnet }));
        used.remove(&Ipv4Addr::new(172, 28, 0, 4));
        assert_eq!(choose_address(&subnet, &used), Ok(Ipv4Addr::new(172, 28, 0, 4)));
    }

    proptest! {
        #[test]
        fn a_chosen_subnet_overlaps_nothing(taken in prop::collection::vec((any::<u32>(), 8u8..=32), 0..40)) {
            let taken: Vec<Subnet> =
                taken.into_iter().map(|(bits, prefix)| Subnet::containing(Ipv4Addr::from_bits(bits), prefix)).collect();
            if let Ok(chosen) = choose_subnet(&taken) {
                prop_assert!(taken.iter().all(|subnet| !subnet.overlaps(&chosen)));
            }
        }

        #[test]
        fn a_chosen_address_is_free_and_a_host(bits in any::<u32>(), prefix in 16u8..=32, used in prop::collection::btree_set(0u32..64, 0..64)) {
            let subnet = Subnet::containing(Ipv4Addr::from_bits(bits), prefix);
            let used = used.into_iter().filter_map(|index| subnet.address().to_bits().checked_add(index)).map(Ipv4Addr::from_bits).collect();
            if let Ok(address) = choose_address(&subnet, &used) {
                prop_assert!(subnet.contains(address) && !used.contains(&address));
                prop_assert!(address != subnet.gateway() && address != subnet.broadcast());
            }
        }
    }
}
