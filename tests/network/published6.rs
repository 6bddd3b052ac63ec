//! Ports published on addresses of IPv6: reached where they are bound, by whom they are meant for.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use rcompose::network::IpFamily::{V4, V6};
use rcompose::network::TransportProtocol::{Tcp, Udp};
use rcompose::network::{Bridge, Firewall, Nftables, PortForward};

use crate::lab::{container, network_of, reaches, serve_tcp, serve_udp, tcp, udp};
use crate::netns::on_own_machine;

fn v6(network: u16, host: u16) -> Ipv6Addr {
    // As the lab writes it: fd00:NETWORK::HOST, the number in decimal digits.
    format!("fd00:{network}::{host}").parse().unwrap()
}

/// 8080 of an address of the machine to port 80 of host 2 on network 1.
fn published(host_ip: impl Into<IpAddr>) -> PortForward {
    let to = SocketAddr::from((v6(1, 2), 80));
    PortForward { host_ip: host_ip.into(), host_port: 8080, count: 1, protocol: Tcp, to }
}

fn protect(bridges: &[&Bridge], forwards: &[PortForward]) {
    let bridges = bridges.iter().map(|bridge| (*bridge).clone()).collect();
    let firewall = Firewall { project: "shop".to_owned(), bridges, forwards: forwards.to_vec() };
    firewall.apply(&mut Nftables::open().unwrap()).unwrap();
}

#[test]
fn a_published_port_is_reached_from_everywhere() {
    on_own_machine(|| {
        let (front, back, outside) = (network_of(1, &[V4, V6]), network_of(2, &[V6]), network_of(200, &[V6]));
        let (web, other, neighbour) = (container(&front, 2), container(&back, 2), container(&front, 3));
        let outsider = container(&outside, 2);
        serve_tcp(&web, "web", 80);
        serve_udp(&web, "web", 80);
        let tcp_port = published(Ipv6Addr::UNSPECIFIED);
        protect(&[&front, &back], &[tcp_port.clone(), PortForward { protocol: Udp, ..tcp_port }]);
        let seen_as = |client: Ipv6Addr| Ok(format!("web {client}"));
        let at_machine = (v6(200, 1), 8080);
        for ask in [tcp, udp] {
            assert_eq!(ask(at_machine), seen_as(v6(200, 1)), "an address of the machine");
            assert_eq!(outsider.run(|| ask(at_machine)), seen_as(v6(200, 2)), "outside keeps its address");
            assert_eq!(other.run(|| ask((v6(2, 1), 8080))), seen_as(v6(1, 1)), "another network");
            assert_eq!(neighbour.run(|| ask((v6(1, 1), 8080))), seen_as(v6(1, 1)), "the same network");
            assert_eq!(web.run(|| ask((v6(1, 1), 8080))), seen_as(v6(1, 1)), "the container itself");
        }
        assert!(!outsider.run(|| reaches((v6(1, 2), 80))), "but not past the machine's own address");
        assert!(!other.run(|| reaches((v6(1, 2), 80))), "nor from another network");
    });
}

#[test]
fn an_address_of_a_port_is_honoured() {
    on_own_machine(|| {
        let (front, outside) = (network_of(1, &[V6]), network_of(200, &[V6]));
        let (web, outsider) = (container(&front, 2), container(&outside, 2));
        serve_tcp(&web, "web", 80);
        protect(&[&front], &[published(v6(200, 1))]);
        assert!(outsider.run(|| tcp((v6(200, 1), 8080))).is_ok());
        assert!(!outsider.run(|| reaches((v6(1, 1), 8080))), "another address of the machine");
        protect(&[&front], &[published(v6(1, 1))]);
        assert!(!outsider.run(|| reaches((v6(200, 1), 8080))));
    });
}

#[test]
fn an_internal_network_publishes_nothing_to_others() {
    on_own_machine(|| {
        let (mut vault, outside) = (network_of(1, &[V6]), network_of(200, &[V6]));
        vault.internal = true;
        let (web, outsider) = (container(&vault, 2), container(&outside, 2));
        serve_tcp(&web, "web", 80);
        std::fs::write("/proc/sys/net/ipv6/conf/all/forwarding", "1").unwrap();
        protect(&[&vault], &[published(Ipv6Addr::UNSPECIFIED)]);
        assert!(!outsider.run(|| reaches((v6(200, 1), 8080))));
    });
}
