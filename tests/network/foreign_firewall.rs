//! Other programs' rules that drop what goes over our bridges: seen while they do, and not once they have been told not to.

use std::net::Ipv4Addr;
use std::process::Command;

use rcompose::network::{Firewall, IpFamily, Nftables, foreign_firewalls, foreign_input_firewalls};

use crate::lab::{container, network, reaches, serve_tcp, tcp};
use crate::netns::on_own_machine;

/// What is told of the firewalls of others.
fn told() -> Vec<String> {
    foreign_firewalls().unwrap().iter().map(ToString::to_string).collect()
}

/// Runs `nft` in the namespace of the test, whose thread starts it.
#[track_caller]
fn nft(script: &str) {
    assert!(Command::new("nft").arg(script).status().unwrap().success(), "{script}");
}

/// Runs the commands that a warning holds, but for those of programs that have only been imitated here.
#[track_caller]
fn follow(warning: &str) {
    let (_, remedy) = warning.split_once("allow it with ").unwrap();
    for command in remedy.split('`').filter(|part| part.starts_with("nft ")) {
        assert!(Command::new("sh").args(["-c", command]).status().unwrap().success(), "{command}");
    }
}

#[test]
fn nothing_is_told_of_a_machine_without_rules_or_with_ours() {
    on_own_machine(|| {
        assert_eq!(told(), [""; 0]);
        let bridges = vec![network(1, true)];
        let firewall = Firewall { project: "shop".to_owned(), bridges, forwards: Vec::new() };
        firewall.apply(&mut Nftables::open().unwrap()).unwrap();
        nft("add table inet mine; add chain inet mine input { type filter hook input priority 0; policy drop; }");
        nft("add chain inet mine forward { type filter hook forward priority 0; policy accept; }");
        assert_eq!(told(), [""; 0]);
    });
}

#[test]
fn what_drops_is_told_until_its_remedy_is_applied() {
    on_own_machine(|| {
        let (front, back) = (network(1, false), network(2, false));
        let (web, other) = (container(&front, 2), container(&back, 2));
        std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap();
        serve_tcp(&web, "web", 80);
        let address = (Ipv4Addr::new(10, 1, 0, 2), 80);
        nft("add table inet mine; add chain inet mine forward { type filter hook forward priority 0; policy drop; }");
        assert!(!other.run(|| reaches(address)));
        let [warning] = &told()[..] else { panic!("one warning: {:?}", told()) };
        assert!(warning.contains("`forward`") && warning.contains("`inet mine`"), "{warning}");
        follow(warning);
        assert_eq!(told(), [""; 0]);
        assert_eq!(other.run(|| tcp(address)), Ok("web 10.2.0.2".to_owned()), "and it helps");
    });
}

#[test]
fn each_kind_of_firewall_is_seen() {
    for (rules, remedy) in [
        ("type filter hook forward priority 0; policy drop; jump DOCKER-USER", "iptables -I DOCKER-USER -i rc-+"),
        ("type filter hook forward priority 0; policy drop", "iptables -I FORWARD -i rc-+"),
        ("type filter hook forward priority 10; ct state established accept; reject", "iptables -I FORWARD -i rc-+"),
        ("type filter hook forward priority 10; counter drop", "iptables -I FORWARD -i rc-+"),
    ] {
        on_own_machine(|| {
            nft(&format!("table ip filter {{ chain DOCKER-USER {{ }}; chain FORWARD {{ {rules}; }}; }}"));
            let [warning] = &told()[..] else { panic!("{rules}: {:?}", told()) };
            assert!(warning.contains(remedy), "{rules}: {warning}");
            // As `iptables` stores what it is given here.
            let chain = if remedy.contains("DOCKER-USER") { "DOCKER-USER" } else { "FORWARD" };
            nft(&format!("insert rule ip filter {chain} iifname \"rc-*\" counter accept"));
            assert_eq!(told().len(), 1, "{rules}: half of the remedy");
            nft(&format!("insert rule ip filter {chain} oifname \"rc-*\" counter accept"));
            assert_eq!(told(), [""; 0], "{rules}");
        });
    }
}

#[test]
fn a_firewall_of_ipv6_is_told_apart() {
    on_own_machine(|| {
        nft("table ip6 filter { chain FORWARD { type filter hook forward priority 0; policy drop; }; }");
        let found = foreign_firewalls().unwrap();
        let [firewall] = &found[..] else { panic!("one: {found:?}") };
        assert!(firewall.is_of(IpFamily::V6) && !firewall.is_of(IpFamily::V4));
        assert!(firewall.to_string().contains("ip6tables -I FORWARD -i rc-+"), "{firewall}");
    });
}

#[test]
fn a_firewall_between_the_ports_of_a_bridge_is_seen() {
    on_own_machine(|| {
        nft(
            "add table bridge mine; add chain bridge mine forward { type filter hook forward priority 0; policy drop; }",
        );
        let [warning] = &told()[..] else { panic!("one warning: {:?}", told()) };
        follow(warning);
        assert_eq!(told(), [""; 0]);
    });
}

#[test]
fn what_keeps_containers_from_the_machine_is_told_apart() {
    on_own_machine(|| {
        let bridge = network(1, false);
        let web = container(&bridge, 2);
        // The machine itself serves, at the address of the bridge.
        let listener = std::net::TcpListener::bind("10.1.0.1:80").unwrap();
        std::thread::spawn(move || listener.incoming().for_each(drop));
        let address = (Ipv4Addr::new(10, 1, 0, 1), 80);
        assert!(web.run(|| reaches(address)));
        nft("add table inet mine; add chain inet mine input { type filter hook input priority 0; policy drop; }");
        assert!(!web.run(|| reaches(address)));
        let told = || foreign_input_firewalls().unwrap().iter().map(ToString::to_string).collect::<Vec<_>>();
        let [warning] = &told()[..] else { panic!("one warning: {:?}", told()) };
        assert!(warning.contains("chain `input`") && warning.contains("`host-gateway`"), "{warning}");
        follow(warning);
        assert_eq!(told(), [""; 0]);
        assert!(web.run(|| reaches(address)), "and it helps");
    });
}
