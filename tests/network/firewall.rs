//! The firewall: what is published is reached from everywhere, and nothing else from anywhere.

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::fd::AsFd;

use nix::sys::socket::{setsockopt, sockopt::BindToDevice};
use rcompose::network::TransportProtocol::{Tcp, Udp};
use rcompose::network::{Bridge, Firewall, Nftables, PortForward, attach};

use crate::lab::{LOST, PATIENCE, container, endpoint, network, reaches, serve_tcp, serve_udp, tcp, udp};
use crate::netns::{Netns, on_own_machine};

fn firewall(bridges: &[&Bridge], forwards: &[PortForward]) -> Firewall {
    let bridges = bridges.iter().map(|bridge| (*bridge).clone()).collect();
    Firewall { project: "shop".to_owned(), bridges, forwards: forwards.to_vec() }
}

/// 8080 of the machine to port 80 of host 2 on network 1.
fn published() -> PortForward {
    let to = SocketAddrV4::new(Ipv4Addr::new(10, 1, 0, 2), 80);
    PortForward { host_ip: None, host_port: 8080, protocol: Tcp, to }
}

/// Somebody else's computer: on a bridge of its own that no firewall knows, the machine being 10.200.0.1 to it.
fn outsider() -> Netns {
    container(&network(200, false), 2)
}

#[test]
fn a_published_port_is_reached_from_everywhere() {
    on_own_machine(|| {
        let (front, back) = (network(1, false), network(2, false));
        let (web, other, neighbour) = (container(&front, 2), container(&back, 2), container(&front, 3));
        let outsider = outsider();
        serve_tcp(&web, "web", 80);
        serve_udp(&web, "web", 80);
        let datagrams = PortForward { protocol: Udp, ..published() };
        firewall(&[&front, &back], &[published(), datagrams]).apply(&mut Nftables::open().unwrap()).unwrap();

        let seen_as = |client: &str| Ok(format!("web {client}"));
        let at_machine = (Ipv4Addr::new(10, 200, 0, 1), 8080);
        for ask in [tcp, udp] {
            assert_eq!(ask((Ipv4Addr::LOCALHOST, 8080)), seen_as("10.1.0.1"), "loopback");
            assert_eq!(ask(at_machine), seen_as("10.200.0.1"), "an address of the machine");
            assert_eq!(outsider.run(|| ask(at_machine)), seen_as("10.200.0.2"), "outside keeps its address");
            assert_eq!(other.run(|| ask((Ipv4Addr::new(10, 2, 0, 1), 8080))), seen_as("10.1.0.1"), "another network");
            assert_eq!(neighbour.run(|| ask(at_machine)), seen_as("10.1.0.1"), "the same network");
            assert_eq!(web.run(|| ask(at_machine)), seen_as("10.1.0.1"), "the container itself");
        }
    });
}

#[test]
fn what_is_not_published_is_not_reached() {
    on_own_machine(|| {
        let (front, back) = (network(1, false), network(2, false));
        let (web, other) = (container(&front, 2), container(&back, 2));
        let outsider = outsider();
        let hidden = (Ipv4Addr::new(10, 1, 0, 2), 81);
        let direct = (Ipv4Addr::new(10, 1, 0, 2), 80);
        serve_tcp(&web, "web", 80);
        serve_tcp(&web, "hidden", 81);
        std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap();
        assert!(outsider.run(|| tcp(hidden)).is_ok(), "without a firewall the machine is a router");
        firewall(&[&front, &back], &[published()]).apply(&mut Nftables::open().unwrap()).unwrap();
        for (netns, who) in [(&other, "another network"), (&outsider, "outside")] {
            for address in [hidden, direct] {
                assert!(!netns.run(|| reaches(address)), "{who} reaches {address:?}");
            }
        }
        assert!(tcp(hidden).is_ok(), "the machine itself may");
    });
}

#[test]
fn an_address_of_a_port_is_honoured() {
    on_own_machine(|| {
        let front = network(1, false);
        let (web, outsider) = (container(&front, 2), outsider());
        serve_tcp(&web, "web", 80);
        let on_loopback = PortForward { host_ip: Some(Ipv4Addr::LOCALHOST), ..published() };
        firewall(&[&front], &[on_loopback]).apply(&mut Nftables::open().unwrap()).unwrap();
        assert_eq!(tcp((Ipv4Addr::LOCALHOST, 8080)), Ok("web 10.1.0.1".to_owned()));
        assert!(!reaches((Ipv4Addr::new(10, 200, 0, 1), 8080)));
        assert!(!outsider.run(|| reaches((Ipv4Addr::new(10, 200, 0, 1), 8080))));
    });
}

#[test]
fn the_loopback_of_the_machine_stays_its_own() {
    on_own_machine(|| {
        let front = network(1, false);
        let web = container(&front, 2);
        let secret = UdpSocket::bind((Ipv4Addr::LOCALHOST, 9000)).unwrap();
        secret.set_read_timeout(Some(LOST)).unwrap();
        // Bound to eth0, a socket does not see that 127.0.0.1 is the container itself: the packet goes to the bridge.
        let arrives = || {
            web.run(|| {
                let socket = UdpSocket::bind((Ipv4Addr::new(10, 1, 0, 2), 0)).unwrap();
                setsockopt(&socket, BindToDevice, &"eth0".into()).unwrap();
                socket.send_to(b"!", (Ipv4Addr::LOCALHOST, 9000)).unwrap();
            });
            secret.recv(&mut [0]).is_ok()
        };
        assert!(!arrives(), "a bridge without published ports leads nowhere");
        firewall(&[&front], &[published()]).apply(&mut Nftables::open().unwrap()).unwrap();
        assert!(!arrives(), "nor does one with");
        Firewall::remove("shop", &mut Nftables::open().unwrap()).unwrap();
        secret.set_read_timeout(Some(PATIENCE)).unwrap();
        assert!(arrives(), "but it would, were it not for the guard");
    });
}

#[test]
fn containers_get_out_under_the_address_of_the_machine() {
    on_own_machine(|| {
        let (front, outsider) = (network(1, false), outsider());
        let web = container(&front, 2);
        serve_tcp(&outsider, "outside", 80);
        firewall(&[&front], &[]).apply(&mut Nftables::open().unwrap()).unwrap();
        assert_eq!(web.run(|| tcp((Ipv4Addr::new(10, 200, 0, 2), 80))), Ok("outside 10.200.0.1".to_owned()));
    });
}

#[test]
fn an_internal_network_has_no_way_in_or_out() {
    on_own_machine(|| {
        let (vault, front) = (network(1, true), network(2, false));
        let (outsider, web) = (outsider(), container(&front, 2));
        // With a default route all the same: the firewall has to hold alone.
        let mut endpoint = endpoint(&vault, 2);
        endpoint.gateways.extend(vault.subnets[0].gateway);
        let inside = Netns::new();
        attach(inside.as_fd(), &[endpoint]).unwrap();
        let peer = container(&vault, 3);
        serve_tcp(&outsider, "outside", 80);
        serve_tcp(&inside, "inside", 80);
        serve_tcp(&web, "web", 80);
        firewall(&[&vault, &front], &[]).apply(&mut Nftables::open().unwrap()).unwrap();
        assert!(!inside.run(|| reaches((Ipv4Addr::new(10, 200, 0, 2), 80))), "out");
        assert!(!inside.run(|| reaches((Ipv4Addr::new(10, 2, 0, 2), 80))), "to another network");
        assert!(!outsider.run(|| reaches((Ipv4Addr::new(10, 1, 0, 2), 80))), "in");
        assert_eq!(peer.run(|| tcp((Ipv4Addr::new(10, 1, 0, 2), 80))), Ok("inside 10.1.0.3".to_owned()));
    });
}

#[test]
fn the_rules_are_replaced_and_removed_as_a_whole() {
    on_own_machine(|| {
        let front = network(1, false);
        let web = container(&front, 2);
        serve_tcp(&web, "web", 80);
        let at = |port| tcp((Ipv4Addr::LOCALHOST, port)).is_ok();
        firewall(&[&front], &[published()]).apply(&mut Nftables::open().unwrap()).unwrap();
        assert!(at(8080));
        let moved = PortForward { host_port: 8081, ..published() };
        firewall(&[&front], std::slice::from_ref(&moved)).apply(&mut Nftables::open().unwrap()).unwrap();
        assert!(!at(8080) && at(8081));
        // Two services cannot have one port: the transaction fails as a whole, and says at which step.
        let clash = PortForward { to: SocketAddrV4::new(Ipv4Addr::new(10, 1, 0, 3), 80), ..moved };
        let error = firewall(&[&front], &[moved, clash]).apply(&mut Nftables::open().unwrap()).unwrap_err();
        let reason = std::error::Error::source(&error).unwrap();
        insta::assert_snapshot!(reason, @"the kernel refused to fill map `published-anywhere`");
        assert!(at(8081), "what was before still holds");
        Firewall::remove("shop", &mut Nftables::open().unwrap()).unwrap();
        assert!(!at(8081));
        Firewall::remove("shop", &mut Nftables::open().unwrap()).unwrap();
    });
}

#[test]
fn thousands_of_ports_fit_into_one_transaction() {
    on_own_machine(|| {
        let front = network(1, false);
        let web = container(&front, 2);
        serve_tcp(&web, "web", 80);
        let forwards: Vec<_> = (10_000..15_000).map(|host_port| PortForward { host_port, ..published() }).collect();
        firewall(&[&front], &forwards).apply(&mut Nftables::open().unwrap()).unwrap();
        for port in [10_000, 12_345, 14_999] {
            assert_eq!(tcp((Ipv4Addr::LOCALHOST, port)), Ok("web 10.1.0.1".to_owned()), "{port}");
        }
    });
}
