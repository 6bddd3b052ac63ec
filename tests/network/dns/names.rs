//! What the project itself has.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use rcompose::network::{Link, Upstream, View};
use simple_dns::TYPE;
use tokio::sync::watch;

use super::client::{ask_tcp, ask_udp, query};
use super::{Served, isolated};
use crate::netns::on_own_machine;

#[test]
fn names_of_the_containers_networks_are_answered() {
    on_own_machine(|| {
        let netns = isolated();
        let links = vec![Link::new("database", "db", "shop-db-")];
        let served = Served::start(&netns, View { links, ..View::default() });
        for (name, kind, expect) in [
            ("db", TYPE::AAAA, "NoError fd00::2 ttl 0"),
            ("DataBase.", TYPE::AAAA, "NoError fd00::2 ttl 0"),
            ("db.back", TYPE::AAAA, "NoError fd00::2 ttl 0"),
            ("db", TYPE::MX, "NoError"),
            ("2.0.1.10.in-addr.arpa", TYPE::PTR, "NoError shop-db-1.back"),
            ("web", TYPE::A, "NameError"),
        ] {
            assert_eq!(ask_udp(&netns, &query(name, kind)), expect, "{name} {kind:?}");
            assert_eq!(ask_tcp(&netns, &query(name, kind)), expect, "{name} {kind:?} over TCP");
        }
        served.names.send_modify(|names| {
            names.remove("back", Ipv4Addr::new(10, 1, 0, 2));
            names.remove("back", Ipv4Addr::new(10, 1, 0, 3));
        });
        assert_eq!(ask_tcp(&netns, &query("db", TYPE::A)), "NoError 10.1.0.4 ttl 0");
    });
}

#[test]
fn replicas_take_turns_whatever_else_is_asked_between() {
    on_own_machine(|| {
        let netns = isolated();
        let _served = Served::start(&netns, View::default());
        // As the C library does: an IPv4 address and an IPv6 one, in turn. That one of three is not first in a hundred
        // times has a probability of 3 * (2/3)^100.
        let firsts: BTreeSet<String> = (0..100)
            .map(|_| {
                ask_udp(&netns, &query("db", TYPE::AAAA));
                ask_udp(&netns, &query("DB", TYPE::A)).split(' ').nth(1).unwrap().to_owned()
            })
            .collect();
        assert_eq!(firsts, ["10.1.0.2", "10.1.0.3", "10.1.0.4"].map(str::to_owned).into());
    });
}

#[test]
fn a_machine_without_name_servers_says_so() {
    on_own_machine(|| {
        let netns = isolated();
        let machine = rcompose::network::ResolvConf::parse("");
        let upstream = Upstream::Machine(watch::channel(machine).1);
        let _served = Served::start(&netns, View { upstream, ..View::default() });
        for ask in [ask_udp, ask_tcp] {
            assert_eq!(ask(&netns, &query("example.org", TYPE::A)), "ServerFailure");
        }
    });
}
