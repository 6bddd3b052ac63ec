//! Networks of IPv6, alone and beside IPv4, and of several subnets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsFd;

use rcompose::network::IpFamily::{V4, V6};
use rcompose::network::{
    Bridge, EndpointAddress, Firewall, Nftables, attach, create_bridge, delete_bridge, mac_address,
};

use crate::lab::{container, endpoint, ip, network, network_of, pool, reaches, serve_tcp, serve_udp, tcp, udp, veth};
use crate::netns::{Netns, on_own_machine};

/// Host `host` on network `number` of IPv6.
fn v6(number: u16, host: u16) -> Ipv6Addr {
    // The number is written in the subnet as it is, and read as a hexadecimal one.
    let number = u16::from_str_radix(&number.to_string(), 16).unwrap();
    Ipv6Addr::new(0xfd00, number, 0, 0, 0, 0, 0, host)
}

fn protect(bridges: &[&Bridge]) {
    let bridges = bridges.iter().map(|bridge| (*bridge).clone()).collect();
    let firewall = Firewall { project: "shop".to_owned(), bridges, forwards: Vec::new() };
    firewall.apply(&mut Nftables::open().unwrap()).unwrap();
}

#[test]
fn containers_reach_each_other_in_both_families_at_once() {
    on_own_machine(|| {
        let bridge = network_of(1, &[V4, V6]);
        let (left, right) = (container(&bridge, 2), container(&bridge, 3));
        serve_tcp(&right, "right", 80);
        serve_udp(&right, "right", 80);
        for (address, seen) in
            [(IpAddr::from(v6(1, 3)), "right fd00:1::2"), (Ipv4Addr::new(10, 1, 0, 3).into(), "right 10.1.0.2")]
        {
            assert_eq!(left.run(|| tcp((address, 80))), Ok(seen.to_owned()));
            assert_eq!(left.run(|| udp((address, 80))), Ok(seen.to_owned()));
        }
        assert_eq!(tcp((v6(1, 3), 80)), Ok("right fd00:1::1".to_owned()), "from the machine");
    });
}

#[test]
fn no_address_is_held_back_to_ask_who_else_has_it() {
    on_own_machine(|| {
        let bridge = network_of(1, &[V6]);
        let one = container(&bridge, 2);
        for (netns, link) in [(None, bridge.name.as_str()), (Some(&one), "eth0")] {
            let show = || ip(&format!("-6 addr show dev {link} tentative"));
            assert_eq!(netns.map_or_else(show, |netns| netns.run(show)), "", "{link}");
        }
    });
}

#[test]
fn a_network_without_ipv4_works() {
    on_own_machine(|| {
        let bridge = network_of(1, &[V6]);
        let (left, right) = (container(&bridge, 2), container(&bridge, 3));
        serve_tcp(&right, "right", 80);
        assert_eq!(left.run(|| tcp((v6(1, 3), 80))), Ok("right fd00:1::2".to_owned()));
        assert_eq!(left.run(|| ip("-4 addr show dev eth0")), "");
        assert_eq!(left.run(|| ip("-4 route show")), "");
        delete_bridge(&bridge.name).unwrap();
    });
}

#[test]
fn where_a_network_has_no_ipv6_neither_end_speaks_it() {
    on_own_machine(|| {
        let bridge = network(1, false);
        let one = container(&bridge, 2);
        assert_eq!(one.run(|| ip("-6 addr show dev eth0")), "");
        assert_eq!(ip(&format!("-6 addr show dev {}", bridge.name)), "");
    });
}

#[test]
fn containers_get_out_under_the_address_of_the_machine_unless_told_otherwise() {
    on_own_machine(|| {
        let mut front = network_of(1, &[V6]);
        let outside = network_of(200, &[V6]);
        let (web, outsider) = (container(&front, 2), container(&outside, 2));
        serve_tcp(&outsider, "outside", 80);
        serve_udp(&outsider, "outside", 80);
        protect(&[&front]);
        for ask in [tcp, udp] {
            assert_eq!(web.run(|| ask((v6(200, 2), 80))), Ok("outside fd00:200::1".to_owned()));
        }
        front.subnets[0].masquerade = false;
        protect(&[&front]);
        assert_eq!(web.run(|| tcp((v6(200, 2), 80))), Ok("outside fd00:1::2".to_owned()));
    });
}

#[test]
fn nobody_gets_in_from_elsewhere() {
    on_own_machine(|| {
        let (front, back) = (network_of(1, &[V4, V6]), network_of(2, &[V6]));
        let outside = network_of(200, &[V6]);
        let (web, other, outsider) = (container(&front, 2), container(&back, 2), container(&outside, 2));
        serve_tcp(&web, "web", 80);
        let address = (v6(1, 2), 80);
        std::fs::write("/proc/sys/net/ipv6/conf/all/forwarding", "1").unwrap();
        assert!(outsider.run(|| tcp(address)).is_ok(), "without a firewall the machine is a router");
        protect(&[&front, &back]);
        assert!(!outsider.run(|| reaches(address)), "from outside");
        assert!(!other.run(|| reaches(address)), "from another network");
        assert!(tcp(address).is_ok(), "the machine itself may");
        let mut open = front;
        open.subnets[1].unprotected = true;
        protect(&[&open, &back]);
        assert_eq!(outsider.run(|| tcp(address)), Ok("web fd00:200::2".to_owned()), "unless all may");
        serve_tcp(&web, "web", 81);
        assert!(!outsider.run(|| reaches((Ipv4Addr::new(10, 1, 0, 2), 81))), "of the other family none may");
    });
}

#[test]
fn an_internal_network_has_no_way_out() {
    on_own_machine(|| {
        let mut vault = network_of(1, &[V6]);
        vault.internal = true;
        let outside = network_of(200, &[V6]);
        let outsider = container(&outside, 2);
        serve_tcp(&outsider, "outside", 80);
        // With a default route all the same: the firewall has to hold alone.
        let mut endpoint = endpoint(&vault, 2);
        endpoint.gateways = vec![v6(1, 1).into()];
        let inside = Netns::new();
        attach(inside.as_fd(), &[endpoint]).unwrap();
        std::fs::write("/proc/sys/net/ipv6/conf/all/forwarding", "1").unwrap();
        protect(&[&vault]);
        assert!(!inside.run(|| reaches((v6(200, 2), 80))));
    });
}

#[test]
fn a_machine_that_begins_to_route_goes_on_listening_to_its_routers() {
    on_own_machine(|| {
        let setting =
            |link: &str| std::fs::read_to_string(format!("/proc/sys/net/ipv6/conf/{link}/accept_ra")).unwrap();
        ip("link add uplink type bridge");
        assert_eq!(setting("uplink").trim(), "1");
        let front = network_of(1, &[V6]);
        protect(&[&front]);
        assert_eq!(setting("uplink").trim(), "2", "it would not be heard otherwise");
        assert_eq!(setting(&front.name).trim(), "0", "in our networks nobody is");
        let web = container(&front, 2);
        assert_eq!(web.run(|| setting("eth0")).trim(), "0");
    });
}

#[test]
fn containers_in_different_subnets_of_a_network_reach_each_other() {
    on_own_machine(|| {
        let subnets = ["10.1.0.0/24", "10.9.0.0/24", "fd00:1::/64", "fd00:9::/64"].map(pool).to_vec();
        let bridge = Bridge {
            name: "rc-several".to_owned(),
            subnets,
            mtu: None,
            internal: false,
            isolated: false,
            shared: false,
        };
        create_bridge(&bridge).unwrap();
        protect(&[&bridge]);
        let at = |host: &str, addresses: [(&str, u8); 2], gateways: [&str; 2]| {
            let netns = Netns::new();
            let mut endpoint = endpoint(&bridge, 2);
            endpoint.cable = veth(host, &bridge);
            endpoint.addresses =
                addresses.map(|(address, prefix)| EndpointAddress { address: address.parse().unwrap(), prefix }).into();
            endpoint.mac = mac_address(endpoint.addresses[0].address);
            endpoint.gateways = gateways.map(|gateway| gateway.parse().unwrap()).into();
            attach(netns.as_fd(), &[endpoint]).unwrap();
            netns
        };
        let first = at("v", [("10.1.0.2", 24), ("fd00:1::2", 64)], ["10.1.0.1", "fd00:1::1"]);
        let second = at("vv", [("10.9.0.2", 24), ("fd00:9::2", 64)], ["10.9.0.1", "fd00:9::1"]);
        serve_tcp(&second, "second", 80);
        assert_eq!(first.run(|| tcp((Ipv4Addr::new(10, 9, 0, 2), 80))), Ok("second 10.1.0.2".to_owned()));
        assert_eq!(first.run(|| tcp((v6(9, 2), 80))), Ok("second fd00:1::2".to_owned()));
    });
}
