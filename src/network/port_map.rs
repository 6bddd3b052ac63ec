//! Published ports as the maps of a firewall, so that finding one takes the same time however many there are, and a range
//! of them, however long, is one element.
//!
//! The kernel changes a port by one sum: out of `first..=last`, port `p` is led to `first + p % (last - first + 1)`
//! (`NF_NAT_RANGE_PROTO_OFFSET`, counted from 0). [`targets`] finds the numbers that make it a shift.

use std::net::IpAddr;

use super::nft::expression::{self as step, Expression, KEY};
use super::nft::{Element, Map, Part};
use super::{IpFamily, PortForward};

/// Ports published on one address, and on every address.
fn names(family: IpFamily) -> [&'static str; 2] {
    match family {
        IpFamily::V4 => ["published-at", "published-anywhere"],
        IpFamily::V6 => ["published-at-6", "published-anywhere-6"],
    }
}

/// The maps of both families.
pub(super) fn maps(forwards: &[PortForward]) -> Vec<Map> {
    let mut maps = Vec::new();
    for family in [IpFamily::V4, IpFamily::V6] {
        let (anywhere, at_address): (Vec<_>, Vec<_>) = forwards
            .iter()
            .filter(|forward| {
                !forward.is_direct()
                    && IpFamily::of(forward.host_ip) == family
                    && IpFamily::of(forward.to.ip()) == family
            })
            .partition(|forward| forward.host_ip.is_unspecified());
        let [name_at, name_anywhere] = names(family);
        let transport = [Part::TRANSPORT, Part::PORT];
        let address = [Part::address(family)];
        let value = [&address[..], &[Part::PORT, Part::PORT]].concat();
        let elements = |forwards: Vec<&PortForward>| forwards.into_iter().flat_map(elements).collect();
        maps.push(Map {
            name: name_at,
            key: [&address[..], &transport].concat(),
            value: value.clone(),
            elements: elements(at_address),
        });
        maps.push(Map { name: name_anywhere, key: transport.to_vec(), value, elements: elements(anywhere) });
    }
    maps
}

fn elements(forward: &PortForward) -> impl Iterator<Item = Element> {
    let PortForward { host_ip, host_port, count, protocol, to } = *forward;
    let key = move |port| {
        let address = if host_ip.is_unspecified() { Vec::new() } else { octets(host_ip) };
        [address, vec![protocol.number(), 0, 0, 0], padded(port)].concat()
    };
    let element = move |Target { from, to: last, first_target, last_target }| Element {
        first: key(from),
        last: key(last),
        value: [octets(to.ip()), padded(first_target), padded(last_target)].concat(),
    };
    targets(host_port, count, to.port()).into_iter().map(element)
}

/// Finds a packet of `family` in each of its maps and puts what it finds in registers from `found` on.
pub(super) fn lookups(family: IpFamily, found: u32) -> impl Iterator<Item = Vec<Expression>> {
    let [at_address, anywhere] = names(family);
    let port = |from| vec![step::load_transport(from), step::load_destination_port(from + 1)];
    let at_address = [
        vec![step::load_destination(family, KEY)],
        port(KEY + registers(family)),
        vec![Expression::Lookup { map: at_address, key: KEY, to: found }],
    ];
    let anywhere = [port(KEY), vec![Expression::Lookup { map: anywhere, key: KEY, to: found }]];
    [at_address.concat(), anywhere.concat()].into_iter()
}

/// Sends a packet where [`lookups`] found.
pub(super) fn destination_nat(family: IpFamily, found: u32) -> Expression {
    let first = found + registers(family);
    Expression::DestinationNat { family, address: found, first, last: first + 1 }
}

/// How many registers an address takes.
fn registers(family: IpFamily) -> u32 {
    match family {
        IpFamily::V4 => 1,
        IpFamily::V6 => 4,
    }
}

/// The ports `from..=to`, and the numbers that shift them to where they belong.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    from: u16,
    to: u16,
    first_target: u16,
    last_target: u16,
}

/// How `count` ports from `port` on are led to as many from `target` on: in one piece, but for ranges that are shifted down
/// and longer than the number they begin with, which take one more for each time that it doubles.
fn targets(port: u16, count: u16, target: u16) -> Vec<Target> {
    let (mut port, mut target) = (u32::from(port), u32::from(target));
    let end = (port + u32::from(count)).min(1 << 16);
    let mut targets = Vec::new();
    while port < end {
        let left = end - port;
        let (count, first, last) = if left == 1 {
            (1, target, target)
        } else if let Some(up) = target.checked_sub(port) {
            // The remainder of a port by something greater is the port itself.
            (left, up, u32::from(u16::MAX))
        } else {
            // All of these are at least the divisor and less than twice as much: the remainder is what they are above it.
            let (count, down) = (left.min(port), port - target);
            let divisor = down.max((port + count).div_ceil(2));
            (count, divisor - down, divisor - down + divisor - 1)
        };
        let number = |port| u16::try_from(port).unwrap_or(u16::MAX);
        targets.push(Target {
            from: number(port),
            to: number(port + count - 1),
            first_target: number(first),
            last_target: number(last),
        });
        port += count;
        target += count;
    }
    targets
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// A port in network order as part of a key or a value.
fn padded(port: u16) -> Vec<u8> {
    let [high, low] = port.to_be_bytes();
    vec![high, low, 0, 0]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_range_is_one_element() {
        for (port, count, target, elements) in [
            (8080, 1, 80, 1),
            (20_000, 10_000, 20_000, 1),
            (20_000, 10_000, 40_000, 1),
            (20_000, 10_000, 1, 1),
            (55_536, 10_000, 1024, 1),
            (1, 65_535, 1, 1),
            (2, 65_534, 1, 15),
        ] {
            assert_eq!(targets(port, count, target).len(), elements, "{port} {count} {target}");
        }
    }

    proptest! {
        #[test]
        fn the_kernels_sum_is_a_shift(port in 1..=u16::MAX, target in 1..=u16::MAX, count in 1..=u16::MAX, nth: u16) {
            let count = count.min(u16::MAX - port.max(target) + 1);
            let nth = nth % count;
            let host = port + nth;
            let targets = targets(port, count, target);
            let of: Vec<_> = targets.iter().filter(|of| (of.from..=of.to).contains(&host)).collect();
            let [Target { first_target, last_target, .. }] = &of[..] else { panic!("{targets:?}") };
            prop_assert!(first_target <= last_target);
            let size = u32::from(*last_target) - u32::from(*first_target) + 1;
            prop_assert_eq!(u32::from(*first_target) + u32::from(host) % size, u32::from(target + nth));
        }
    }
}
