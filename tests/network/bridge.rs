//! Bridges and cables: who is connected, and that nothing stays behind.

use std::net::Ipv4Addr;
use std::os::fd::AsFd;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use rcompose::network::{
    Bridge, Claim, IpFamily, Route, SubnetPool, attach, choose_subnet, create_bridge, delete_bridge, link_exists,
    routes,
};

use crate::lab::{container, endpoint, ip, network, pool, serve_tcp, tcp, veth};
use crate::netns::{Netns, on_own_machine};

#[test]
fn containers_on_one_bridge_reach_each_other() {
    on_own_machine(|| {
        let bridge = network(1, false);
        let (left, right) = (container(&bridge, 2), container(&bridge, 3));
        serve_tcp(&right, "right", 80);
        assert_eq!(left.run(|| tcp((Ipv4Addr::new(10, 1, 0, 3), 80))), Ok("right 10.1.0.2".to_owned()));
        assert_eq!(tcp((Ipv4Addr::new(10, 1, 0, 3), 80)), Ok("right 10.1.0.1".to_owned()), "from the machine");
    });
}

#[test]
fn one_container_on_two_networks() {
    on_own_machine(|| {
        let (first, second) = (network(1, false), network(2, true));
        let both = Netns::new();
        let mut other = endpoint(&second, 2);
        other.interface = "eth1".to_owned();
        attach(both.as_fd(), &[endpoint(&first, 2), other]).unwrap();
        let peer = container(&second, 3);
        serve_tcp(&both, "both", 80);
        assert_eq!(peer.run(|| tcp((Ipv4Addr::new(10, 2, 0, 2), 80))), Ok("both 10.2.0.3".to_owned()));
        assert_eq!(tcp((Ipv4Addr::new(10, 1, 0, 2), 80)), Ok("both 10.1.0.1".to_owned()));
    });
}

#[test]
fn a_bridge_that_is_deleted_is_gone() {
    on_own_machine(|| {
        let before = routes().unwrap();
        let bridge = network(1, false);
        assert!(link_exists(&bridge.name).unwrap());
        let own = Route { destination: bridge.subnets[0].subnet, link: Some(bridge.name.clone()) };
        assert!(routes().unwrap().contains(&own), "{own} is not in {:?}", routes());
        delete_bridge(&bridge.name).unwrap();
        assert!(!link_exists(&bridge.name).unwrap());
        assert_eq!(routes().unwrap(), before);
        delete_bridge(&bridge.name).unwrap();
    });
}

#[test]
fn a_bridge_that_fails_half_way_is_gone() {
    on_own_machine(|| {
        let bridge = network(1, false);
        delete_bridge(&bridge.name).unwrap();
        // Settings that are read-only, as inside a container: in a mount namespace of this thread's own.
        let (none, sys) = (None::<&str>, "/proc/sys");
        unshare(CloneFlags::CLONE_NEWNS).unwrap();
        mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).unwrap();
        mount(Some(sys), sys, none, MsFlags::MS_BIND, none).unwrap();
        mount(none, sys, none, MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY, none).unwrap();
        let error = create_bridge(&bridge).unwrap_err();
        insta::assert_snapshot!(error, @"cannot configure bridge `rc-00000001`");
        assert!(!link_exists(&bridge.name).unwrap());
    });
}

#[test]
fn a_chosen_subnet_avoids_the_routes_of_the_machine() {
    on_own_machine(|| {
        let choose = || {
            let claim = |route: Route| Claim { subnet: route.destination, owner: route.to_string() };
            let taken: Vec<Claim> = routes().unwrap().into_iter().map(claim).collect();
            choose_subnet(IpFamily::V4, &SubnetPool::defaults(), &taken, 0).unwrap().to_string()
        };
        for (name, expect) in [("rc-first", "172.28.0.0/24"), ("rc-second", "172.28.1.0/24")] {
            assert_eq!(choose(), expect);
            let subnets = vec![pool(expect)];
            create_bridge(&Bridge {
                name: name.to_owned(),
                subnets,
                mtu: None,
                internal: false,
                isolated: false,
                shared: false,
            })
            .unwrap();
        }
        // What only some packets are sent by, as those of a VPN: another table, and nothing at the other end.
        ip("route add 172.28.2.0/24 dev rc-first table 77");
        ip("route add unreachable 172.28.3.0/25 table 78");
        assert_eq!(choose(), "172.28.4.0/24");
        let vpn = Route { destination: "172.28.2.0/24".parse().unwrap(), link: Some("rc-first".to_owned()) };
        assert_eq!(vpn.to_string(), "route 172.28.2.0/24 of rc-first");
        assert!(routes().unwrap().contains(&vpn));
    });
}

#[test]
fn errors_name_what_failed() {
    on_own_machine(|| {
        let bridge = network(1, false);
        let error = create_bridge(&bridge).unwrap_err();
        insta::assert_snapshot!(error, @"cannot create bridge `rc-00000001`");

        let netns = Netns::new();
        let mut nowhere = endpoint(&bridge, 2);
        nowhere.cable = veth("v", &Bridge { name: "rc-none".to_owned(), ..bridge.clone() });
        let error = attach(netns.as_fd(), &[nowhere]).unwrap_err();
        insta::assert_snapshot!(error, @"cannot find bridge `rc-none`");

        let mut outside = endpoint(&bridge, 3);
        outside.gateways = vec![Ipv4Addr::new(10, 9, 9, 9).into()];
        let error = attach(netns.as_fd(), &[outside]).unwrap_err();
        insta::assert_snapshot!(error, @"cannot set the default route through 10.9.9.9 in the container");
        let reason = std::error::Error::source(&error).unwrap();
        insta::assert_snapshot!(reason, @"the kernel refused: Nexthop has invalid gateway");
    });
}
