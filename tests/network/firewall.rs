//! The firewall: what is published is reached from everywhere, and nothing else from anywhere.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::process::Command;

use nix::sys::socket::{setsockopt, sockopt::BindToDevice};
use rcompose::network::TransportProtocol::{Tcp, Udp};
use rcompose::network::{Bridge, Disturbance, Firewall, Nftables, PortForward, attach};

use crate::lab::{LOST, PATIENCE, container, endpoint, ip, network, reaches, serve_tcp, serve_udp, tcp, udp};
use crate::netns::{Netns, on_own_machine};

fn firewall(bridges: &[&Bridge], forwards: &[PortForward]) -> Firewall {
    let bridges = bridges.iter().map(|bridge| (*bridge).clone()).collect();
    Firewall { project: "shop".to_owned(), bridges, forwards: forwards.to_vec() }
}

/// 8080 of the machine to port 80 of host 2 on network 1.
fn published() -> PortForward {
    let to = SocketAddr::from((Ipv4Addr::new(10, 1, 0, 2), 80));
    PortForward { host_ip: Ipv4Addr::UNSPECIFIED.into(), host_port: 8080, count: 1, protocol: Tcp, to }
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
        let on_loopback = PortForward { host_ip: Ipv4Addr::LOCALHOST.into(), ..published() };
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
        let clash = PortForward { to: SocketAddr::from((Ipv4Addr::new(10, 1, 0, 3), 80)), ..moved };
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
fn a_range_of_ports_is_led_to_another_by_one_element() {
    on_own_machine(|| {
        let front = network(1, false);
        let web = container(&front, 2);
        for (port, count, target, asked) in [
            (20_000, 10_000, 20_000, [20_000, 25_000, 29_999]),
            (20_000, 10_000, 40_001, [20_000, 24_321, 29_999]),
            (50_000, 10_000, 1024, [50_000, 51_234, 59_999]),
            (8080, 3, 80, [8080, 8081, 8082]),
        ] {
            let to = SocketAddr::from((Ipv4Addr::new(10, 1, 0, 2), target));
            let forward = PortForward { host_port: port, count, to, ..published() };
            firewall(&[&front], &[forward]).apply(&mut Nftables::open().unwrap()).unwrap();
            let rules = nft("list map inet rcompose-shop published-anywhere");
            assert_eq!(rules.matches("10.1.0.2").count(), 1, "{rules}");
            for asked in asked {
                let listener = web.run(|| TcpListener::bind((Ipv4Addr::UNSPECIFIED, target + (asked - port))).unwrap());
                let client = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, asked)), PATIENCE);
                assert_eq!(
                    listener.accept().unwrap().1.port(),
                    client.unwrap().local_addr().unwrap().port(),
                    "{asked}"
                );
            }
            assert!(!reaches((Ipv4Addr::LOCALHOST, port - 1)) && !reaches((Ipv4Addr::LOCALHOST, port + count)));
        }
    });
}

/// What `nft` of the system says.
fn nft(arguments: &str) -> String {
    let output = Command::new("nft").args(arguments.split(' ')).output().unwrap();
    assert!(output.status.success(), "nft {arguments}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn what_is_published_on_the_loopback_stays_there_whoever_routes_it() {
    on_own_machine(|| {
        let front = network(1, false);
        let (web, outsider) = (container(&front, 2), outsider());
        serve_tcp(&web, "web", 80);
        // As some set it for all links; and a computer of the network that sends 127.0.0.1 our way.
        std::fs::write("/proc/sys/net/ipv4/conf/all/route_localnet", "1").unwrap();
        let loopback: IpAddr = Ipv4Addr::LOCALHOST.into();
        let arrives = || {
            outsider.run(|| {
                std::fs::write("/proc/sys/net/ipv4/conf/all/route_localnet", "1").unwrap();
                ip("addr flush dev lo");
                ip("route replace 127.0.0.1 via 10.200.0.1 table main");
                ip("rule add pref 1 to 127.0.0.1 lookup main");
                reaches((loopback, 8080))
            })
        };
        let nothing_there = TcpListener::bind((loopback, 8080)).unwrap();
        assert!(arrives(), "a machine set so is open to its neighbours");
        drop(nothing_there);
        let on_loopback = PortForward { host_ip: loopback, ..published() };
        for forward in [on_loopback, published()] {
            firewall(&[&front], &[forward]).apply(&mut Nftables::open().unwrap()).unwrap();
            assert_eq!(tcp((loopback, 8080)), Ok("web 10.1.0.1".to_owned()));
            assert!(!outsider.run(|| reaches((loopback, 8080))));
        }
    });
}

#[test]
fn whoever_else_changes_the_rules_is_noticed() {
    on_own_machine(|| {
        let front = network(1, false);
        let mut nftables = Nftables::open().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut watch = Firewall::watch("shop", &nftables).unwrap();
        let rules = firewall(&[&front], &[published()]);
        let by_nft = Disturbance { by: Some("nft".to_owned()) };
        rules.apply(&mut nftables).unwrap();
        for change in [
            "flush ruleset",
            "delete table inet rcompose-shop",
            "flush chain inet rcompose-shop forward",
            "add rule inet rcompose-shop published accept",
        ] {
            // Neither what is ours, nor a table of others, counts.
            rules.apply(&mut nftables).unwrap();
            nft("add table inet other");
            nft("delete table inet other");
            nft(change);
            let disturbed = runtime.block_on(async { tokio::time::timeout(PATIENCE, watch.disturbed()).await });
            assert_eq!(disturbed.unwrap().unwrap(), by_nft, "{change}");
            let no_more = runtime.block_on(async { tokio::time::timeout(LOST, watch.disturbed()).await });
            assert!(no_more.is_err(), "{change}: {no_more:?}");
        }
    });
}
