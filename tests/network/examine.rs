//! What is told when the kernel has something else than it was given.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::AsFd as _;
use std::process::Command;

use rcompose::network::TransportProtocol::Tcp;
use rcompose::network::{Cable, Damage, Firewall, IpFamily, Nftables, PortForward, attach, examine};

use crate::lab::{endpoint, ip, network_of};
use crate::netns::{Netns, on_own_machine};

fn run(line: &str) {
    let mut words = line.split_whitespace();
    let status = Command::new(words.next().unwrap()).args(words).status().unwrap();
    assert!(status.success(), "{line}");
}

#[test]
fn whatever_is_amiss_is_told_until_it_is_put_right() {
    on_own_machine(|| {
        let front = network_of(1, &[IpFamily::V4, IpFamily::V6]);
        let name = front.name.clone();
        let web = Netns::new();
        let end = endpoint(&front, 2);
        attach(web.as_fd(), std::slice::from_ref(&end)).unwrap();
        let Cable::Veth { host_interface: link, .. } = end.cable.clone() else { unreachable!() };
        let forward = |host_port, count| PortForward {
            host_ip: Ipv4Addr::UNSPECIFIED.into(),
            host_port,
            count,
            protocol: Tcp,
            to: SocketAddr::from((Ipv4Addr::new(10, 1, 0, 2), 80)),
        };
        let firewall = Firewall {
            project: "shop".to_owned(),
            bridges: vec![front],
            forwards: vec![forward(8080, 1), forward(9000, 10)],
        };
        let mut nftables = Nftables::open().unwrap();
        let mut restore = || firewall.apply(&mut nftables).unwrap();
        let told = || examine(&firewall, &[&end.cable]).unwrap();
        let table = || "rcompose-shop".to_owned();
        assert!(told().contains(&Damage::NoTable { table: table() }));
        restore();
        assert_eq!(told(), []);

        let settings = "/proc/sys/net";
        for (file, damage) in [
            ("ipv4/ip_forward".to_owned(), Damage::NoForwarding { family: IpFamily::V4 }),
            ("ipv6/conf/all/forwarding".to_owned(), Damage::NoForwarding { family: IpFamily::V6 }),
            (format!("ipv4/conf/{name}/route_localnet"), Damage::NoLoopback { bridge: name.clone() }),
        ] {
            std::fs::write(format!("{settings}/{file}"), "0").unwrap();
            assert_eq!(told(), [damage]);
            restore();
        }

        run("nft flush chain inet rcompose-shop forward");
        let [Damage::Rules { chain, found: 0, expected: 1.., .. }] = &told()[..] else { panic!("{:?}", told()) };
        assert_eq!(chain, "forward");
        restore();
        let map = || "published-anywhere".to_owned();
        run("nft flush map inet rcompose-shop published-anywhere");
        assert_eq!(told(), [Damage::Ports { table: table(), map: map(), missing: 2, foreign: 0 }]);
        run("nft add element inet rcompose-shop published-anywhere { tcp . 1 : 10.1.0.9 . 1 . 1 }");
        assert_eq!(told(), [Damage::Ports { table: table(), map: map(), missing: 2, foreign: 1 }]);
        restore();
        run("nft delete table inet rcompose-shop");
        assert_eq!(told(), [Damage::NoTable { table: table() }]);
        restore();

        let address = IpAddr::from(Ipv4Addr::new(10, 1, 0, 1));
        ip(&format!("address del 10.1.0.1/24 dev {name}"));
        assert_eq!(told(), [Damage::NoAddress { bridge: name.clone(), address, prefix: 24 }]);
        ip(&format!("address add 10.1.0.1/24 dev {name}"));
        ip(&format!("link set {link} nomaster"));
        assert_eq!(told(), [Damage::Unplugged { link: link.clone(), bridge: name.clone() }]);
        ip(&format!("link set {link} master {name}"));
        ip(&format!("link set {link} down"));
        assert_eq!(told(), [Damage::Down { link: link.clone() }]);
        ip(&format!("link set {link} up"));
        web.run(|| ip("link set eth0 down"));
        assert_eq!(told(), [Damage::NoCarrier { link: link.clone() }]);
        web.run(|| ip("link set eth0 up"));
        assert_eq!(told(), []);
        ip(&format!("link delete {link}"));
        assert_eq!(told(), [Damage::NoCable { link, bridge: name.clone() }]);
        ip(&format!("link delete {name}"));
        assert!(told().contains(&Damage::NoLink { link: name.clone() }), "{:?}", told());
        let shared = Cable::Macvlan { parent: "eth9".to_owned(), mode: rcompose::network::MacvlanMode::Bridge };
        let lost = Damage::NoLink { link: "eth9".to_owned() };
        assert!(examine(&firewall, &[&shared]).unwrap().contains(&lost));
    });
}
