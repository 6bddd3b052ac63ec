//! What containers are connected by: cables to a bridge, also ones that lead to nobody else, and shares of a link.

use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::path::Path;

use rcompose::network::IpFamily::{V4, V6};
use rcompose::network::TransportProtocol::Tcp;
use rcompose::network::{
    Bridge, Cable, Endpoint, Firewall, IpvlanMode, IpvlanReach, MacvlanMode, Nftables, PortForward, attach,
    create_bridge,
};

use crate::lab::{container, endpoint, ip, network, network_of, pool, reaches, serve_tcp, tcp};
use crate::netns::{Netns, on_own_machine};

#[test]
fn containers_that_are_to_be_alone_reach_the_machine_and_not_one_another() {
    on_own_machine(|| {
        // Where bridges translate addresses themselves, what goes to a neighbour's published port does not get to the
        // machine, and is switched to nobody.
        let translation = Path::new("/proc/sys/net/bridge/bridge-nf-call-iptables");
        if translation.exists() {
            std::fs::write(translation, "0").unwrap();
        }
        let alone = Bridge { isolated: true, ..network_of(1, &[V4, V6]) };
        let (left, right) = (container(&alone, 2), container(&alone, 3));
        serve_tcp(&right, "right", 80);
        let to = "10.1.0.3:80".parse().unwrap();
        let forwards =
            vec![PortForward { host_ip: Ipv4Addr::UNSPECIFIED.into(), host_port: 8080, count: 1, protocol: Tcp, to }];
        let firewall = Firewall { project: "shop".to_owned(), bridges: vec![alone], forwards };
        firewall.apply(&mut Nftables::open().unwrap()).unwrap();
        let direct = Ipv4Addr::new(10, 1, 0, 3);
        assert!(!left.run(|| reaches((direct, 80))));
        assert!(!left.run(|| reaches(("fd00:1::3".parse::<std::net::Ipv6Addr>().unwrap(), 80))));
        // By way of the machine as a router, neither.
        left.run(|| ip("route replace 10.1.0.3 via 10.1.0.1 dev eth0"));
        assert!(!left.run(|| reaches((direct, 80))));
        assert_eq!(tcp((direct, 80)), Ok("right 10.1.0.1".to_owned()), "the machine itself may");
        assert_eq!(left.run(|| tcp((Ipv4Addr::new(10, 1, 0, 1), 8080))), Ok("right 10.1.0.1".to_owned()), "published");
    });
}

#[test]
fn the_end_in_the_container_has_its_name_and_its_settings() {
    on_own_machine(|| {
        let bridge = network(1, false);
        let netns = Netns::new();
        let sysctls = vec![("net/ipv4/conf/front.0/rp_filter".to_owned(), "2".to_owned())];
        let endpoint =
            Endpoint { interface: "front.0".to_owned(), mac: [2, 0, 0, 0, 0, 9], sysctls, ..endpoint(&bridge, 2) };
        attach(netns.as_fd(), &[endpoint]).unwrap();
        let shown = netns.run(|| ip("-o link show dev front.0"));
        assert!(shown.contains("02:00:00:00:00:09") && shown.contains(",UP"), "{shown}");
        let read = || std::fs::read_to_string("/proc/sys/net/ipv4/conf/front.0/rp_filter").unwrap();
        assert_eq!(netns.run(read).trim(), "2");
    });
}

/// A link of the machine without addresses.
fn uplink() -> Bridge {
    Bridge {
        name: "uplink".to_owned(),
        subnets: Vec::new(),
        mtu: None,
        internal: false,
        isolated: false,
        shared: false,
    }
}

/// A place on it.
fn on_uplink(cable: Cable, host: u8) -> Endpoint {
    let bridge = Bridge { subnets: vec![pool("10.7.0.0/24"), pool("fd00:7::/64")], ..uplink() };
    Endpoint { cable, gateways: Vec::new(), ..endpoint(&bridge, host) }
}

#[test]
fn containers_share_a_link_of_the_machine_by_macvlan() {
    on_own_machine(|| {
        create_bridge(&uplink()).unwrap();
        let cable = |mode| Cable::Macvlan { parent: "uplink".to_owned(), mode };
        let on = |mode, host| {
            let netns = Netns::new();
            attach(netns.as_fd(), &[on_uplink(cable(mode), host)]).unwrap();
            netns
        };
        let (left, right) = (on(MacvlanMode::Bridge, 2), on(MacvlanMode::Bridge, 3));
        serve_tcp(&right, "right", 80);
        assert_eq!(left.run(|| tcp((Ipv4Addr::new(10, 7, 0, 3), 80))), Ok("right 10.7.0.2".to_owned()));
        let six: std::net::Ipv6Addr = "fd00:7::3".parse().unwrap();
        assert_eq!(left.run(|| tcp((six, 80))), Ok("right fd00:7::2".to_owned()));
        let private = on(MacvlanMode::Private, 4);
        assert!(!private.run(|| reaches((Ipv4Addr::new(10, 7, 0, 3), 80))));
        let nowhere = Cable::Macvlan { parent: "eth9".to_owned(), mode: MacvlanMode::Bridge };
        let error = attach(Netns::new().as_fd(), &[on_uplink(nowhere, 5)]).unwrap_err();
        insta::assert_snapshot!(error, @"cannot find link `eth9`");
    });
}

#[test]
fn containers_share_a_link_of_the_machine_by_ipvlan_where_the_kernel_has_it() {
    on_own_machine(|| {
        create_bridge(&uplink()).unwrap();
        let on = |host| {
            let netns = Netns::new();
            let (mode, reach) = (IpvlanMode::L2, IpvlanReach::Bridge);
            let cable = Cable::Ipvlan { parent: "uplink".to_owned(), mode, reach };
            attach(netns.as_fd(), &[on_uplink(cable, host)]).map(|()| netns)
        };
        match (on(2), on(3)) {
            (Ok(left), Ok(right)) => {
                serve_tcp(&right, "right", 80);
                assert_eq!(left.run(|| tcp((Ipv4Addr::new(10, 7, 0, 3), 80))), Ok("right 10.7.0.2".to_owned()));
            }
            (Err(error), Err(_)) => {
                insta::assert_snapshot!(error, @"this kernel has no ipvlan");
                insta::assert_snapshot!(std::error::Error::source(&error).unwrap(), @"the kernel refused: Unknown device type");
            }
            (left, right) => panic!("one of two: {} {}", left.is_ok(), right.is_ok()),
        }
    });
}
