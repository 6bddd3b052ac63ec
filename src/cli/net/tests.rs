//! The renderers, from a made-up machine.

use std::net::IpAddr;

use super::*;
use crate::name::{ContainerId, ContainerName, ProjectName, ServiceName};
use crate::network::{Damage, IpFamily};
use crate::state::{LinkRecord, NetworkRecord, PoolRecord, PublishedPort, VERSION};
use crate::supervisor::Published;

fn network(key: &str, third: u8) -> NetworkRecord {
    NetworkRecord {
        version: VERSION,
        key: key.parse().unwrap(),
        name: format!("shop_{key}"),
        hash: String::new(),
        fields: std::collections::BTreeMap::new(),
        bridge: format!("rc-{key}"),
        pools: vec![PoolRecord {
            subnet: format!("10.9.{third}.0/24"),
            gateway: Some(IpAddr::from([10, 9, third, 1])),
            range: None,
            reserved: std::collections::BTreeMap::new(),
            masquerade: true,
            unprotected: false,
        }],
        internal: false,
        mtu: None,
        link: LinkRecord::Bridge,
        isolated: false,
        interface_prefix: None,
        host_binding: None,
        attachable: false,
        labels: std::collections::BTreeMap::new(),
        created_at: None,
        options: std::collections::BTreeMap::new(),
    }
}

/// A container on `networks`: its last octet is the same on each.
fn container(service: &str, last: u8, networks: &[usize]) -> Container {
    let id = ContainerId::new(format!("{last:02x}").repeat(32)).unwrap();
    let name = format!("shop-{service}-1");
    let endpoint = |index: &usize| Endpoint {
        network: *index,
        addresses: vec![IpAddr::from([10, 9, u8::try_from(*index).unwrap(), last])],
        interface: "eth0".to_owned(),
        names: vec![service.to_owned(), name.clone(), id.short().to_owned()],
    };
    Container {
        project: project(),
        service: ServiceName::new(service).unwrap(),
        endpoints: networks.iter().map(endpoint).collect(),
        name: ContainerName::new(name.clone()).unwrap(),
        running: true,
        place: Place::Own,
        ports: Vec::new(),
        links: Vec::new(),
        id,
    }
}

fn published(host: &str, port: u16, to: Option<&str>) -> Published {
    let port = PublishedPort {
        host_ip: host.parse().unwrap(),
        host_port: port,
        target: 80,
        count: 1,
        protocol: "tcp".to_owned(),
    };
    Published { port, forward: to.map(|to| to.parse().unwrap()), relay: None }
}

fn project() -> ProjectName {
    ProjectName::new("shop").unwrap()
}

/// Front (0), back (1, internal), apart (2, without icc), and a private macvlan (3).
fn shop() -> Facts {
    let mut networks = vec![network("front", 0), network("back", 1), network("apart", 2), network("lan", 3)];
    networks[1].internal = true;
    networks[2].isolated = true;
    networks[3].link = LinkRecord::Macvlan { parent: Some("eth9".to_owned()), mode: Some("private".to_owned()) };
    networks[3].options.insert("parent".to_owned(), "eth9".to_owned());
    let web = Container {
        ports: vec![published("0.0.0.0", 8080, Some("10.9.0.2")), published("127.0.0.1", 9090, Some("10.9.0.2"))],
        links: vec![("store".to_owned(), "app".to_owned())],
        ..container("web", 2, &[0])
    };
    let debug = Container { place: Place::Shared(Some(web.id.clone())), ..container("debug", 9, &[]) };
    let lost = Container { place: Place::Shared(None), ..container("lost", 10, &[]) };
    Facts {
        networks: networks.into_iter().map(|record| (Some(project()), record)).collect(),
        containers: vec![
            container("app", 3, &[0, 1]),
            container("db", 4, &[1]),
            debug,
            Container { place: Place::Host, ..container("host", 11, &[]) },
            container("lan1", 5, &[3]),
            container("lan2", 6, &[3]),
            container("lone", 12, &[]),
            lost,
            container("one", 7, &[2]),
            Container { running: false, ..container("old", 13, &[0]) },
            container("two", 8, &[2]),
            web,
        ],
    }
}

fn told(from: &str, to: &str) -> String {
    let facts = shop();
    verdict_as_text(&judge(&facts, facts.find(&project(), from).unwrap(), facts.find(&project(), to).unwrap()))
}

/// A few of them, on two networks.
fn few() -> Facts {
    let mut facts = shop();
    facts.networks.truncate(2);
    facts.containers.retain(|container| ["app", "db", "old", "web"].contains(&container.service.as_str()));
    facts
}

#[test]
fn everything_there_is_to_know() {
    insta::assert_snapshot!(as_text(&few(), &project()), @"
    NETWORK      DRIVER    LINK       SUBNETS       RULES
    shop_front   bridge    rc-front   10.9.0.0/24   leads out
    shop_back    bridge    rc-back    10.9.1.0/24   internal: nothing in or out

    CONTAINER    STATE     NETWORK      ADDRESSES
    shop-app-1   running   shop_front   10.9.0.3
    shop-app-1   running   shop_back    10.9.1.3
    shop-db-1    running   shop_back    10.9.1.4
    shop-old-1   stopped   shop_front   10.9.0.13
    shop-web-1   running   shop_front   10.9.0.2

    PUBLISHED            OPEN TO        LEADS TO                      BY
    0.0.0.0:8080/tcp     everybody      shop-web-1 10.9.0.2 port 80   firewall
    127.0.0.1:9090/tcp   this machine   shop-web-1 10.9.0.2 port 80   firewall

    CONTAINER    RESOLVES
    shop-app-1   app db shop-app-1 shop-db-1 shop-web-1 web
    shop-db-1    app db shop-app-1 shop-db-1
    shop-web-1   app shop-app-1 shop-web-1 store web

    FROM         TO                                  REACHES   BY                                                                                     BECAUSE
    shop-app-1   shop-db-1                           yes       network shop_back                                                                      bridge rc-back switches between its ports
    shop-app-1   shop-old-1                          no        shop-old-1 does not run                                                                -
    shop-app-1   shop-web-1                          yes       network shop_front                                                                     bridge rc-front switches between its ports
    shop-db-1    shop-app-1                          yes       network shop_back                                                                      bridge rc-back switches between its ports
    shop-db-1    shop-old-1                          no        shop-old-1 does not run                                                                -
    shop-db-1    shop-web-1                          no        no network in common: shop-db-1 is on shop_back (internal), shop-web-1 on shop_front   table inet rcompose-shop, chain forward: iifname rc-back drop
    shop-old-1   shop-app-1, shop-db-1, shop-web-1   no        shop-old-1 does not run                                                                -
    shop-web-1   shop-app-1                          yes       network shop_front                                                                     bridge rc-front switches between its ports
    shop-web-1   shop-db-1                           no        no network in common: shop-web-1 is on shop_front, shop-db-1 on shop_back (internal)   table inet rcompose-shop, chain forward: oifname rc-back drop
    shop-web-1   shop-old-1                          no        shop-old-1 does not run                                                                -
    ");
}

#[test]
fn a_picture() {
    insta::assert_snapshot!(as_dot(&few(), &project()), @r#"
    digraph "shop" {
      rankdir=LR;
      edge [dir=none];
      "network shop_front" [shape=ellipse, label="shop_front\n10.9.0.0/24"];
      "network shop_front" -> machine;
      "network shop_back" [shape=ellipse, label="shop_back\n10.9.1.0/24", style=dashed];
      machine [shape=house, label="this machine"];
      "container shop-app-1" [shape=box, label="shop-app-1"];
      "container shop-db-1" [shape=box, label="shop-db-1"];
      "container shop-old-1" [shape=box, label="shop-old-1", color=grey, fontcolor=grey];
      "container shop-web-1" [shape=box, label="shop-web-1"];
      "container shop-app-1" -> "network shop_front" [label="10.9.0.3"];
      "container shop-app-1" -> "network shop_back" [label="10.9.1.3"];
      "container shop-db-1" -> "network shop_back" [label="10.9.1.4"];
      "container shop-old-1" -> "network shop_front" [label="10.9.0.13"];
      "container shop-web-1" -> "network shop_front" [label="10.9.0.2"];
      machine -> "container shop-web-1" [dir=forward, label="0.0.0.0:8080 to 80/tcp"];
      machine -> "container shop-web-1" [dir=forward, label="127.0.0.1:9090 to 80/tcp"];
    }
    "#);
    let picture = as_dot(&shop(), &project());
    assert!(picture.contains(r#""container shop-debug-1" -> "container shop-web-1" [style=bold"#), "{picture}");
    assert!(picture.contains(r#""container shop-host-1" -> machine [style=bold"#), "{picture}");
}

#[test]
fn json() {
    let problems = [Problem::of_damage(&Damage::NoForwarding { family: IpFamily::V4 }, &[])];
    let mut facts = few();
    facts.containers.retain(|container| ["db", "web"].contains(&container.service.as_str()));
    insta::assert_snapshot!(as_json(&facts, &project(), &problems), @r#"
    {
      "containers": [
        {
          "endpoints": [
            {
              "addresses": [
                "10.9.1.4"
              ],
              "interface": "eth0",
              "network": "shop_back"
            }
          ],
          "id": "0404040404040404040404040404040404040404040404040404040404040404",
          "name": "shop-db-1",
          "network_mode": "own",
          "ports": [],
          "resolves": {
            "040404040404": {
              "addresses": [
                "10.9.1.4"
              ],
              "network": "shop_back"
            },
            "db": {
              "addresses": [
                "10.9.1.4"
              ],
              "network": "shop_back"
            },
            "shop-db-1": {
              "addresses": [
                "10.9.1.4"
              ],
              "network": "shop_back"
            }
          },
          "running": true,
          "service": "db"
        },
        {
          "endpoints": [
            {
              "addresses": [
                "10.9.0.2"
              ],
              "interface": "eth0",
              "network": "shop_front"
            }
          ],
          "id": "0202020202020202020202020202020202020202020202020202020202020202",
          "name": "shop-web-1",
          "network_mode": "own",
          "ports": [
            {
              "count": 1,
              "firewall": "10.9.0.2",
              "host_ip": "0.0.0.0",
              "host_port": 8080,
              "protocol": "tcp",
              "relay": null,
              "target": 80
            },
            {
              "count": 1,
              "firewall": "10.9.0.2",
              "host_ip": "127.0.0.1",
              "host_port": 9090,
              "protocol": "tcp",
              "relay": null,
              "target": 80
            }
          ],
          "resolves": {
            "020202020202": {
              "addresses": [
                "10.9.0.2"
              ],
              "network": "shop_front"
            },
            "shop-web-1": {
              "addresses": [
                "10.9.0.2"
              ],
              "network": "shop_front"
            },
            "web": {
              "addresses": [
                "10.9.0.2"
              ],
              "network": "shop_front"
            }
          },
          "running": true,
          "service": "web"
        }
      ],
      "networks": [
        {
          "bridge": "rc-front",
          "driver": "bridge",
          "internal": false,
          "isolated": false,
          "key": "front",
          "name": "shop_front",
          "subnets": [
            "10.9.0.0/24"
          ]
        },
        {
          "bridge": "rc-back",
          "driver": "bridge",
          "internal": true,
          "isolated": false,
          "key": "back",
          "name": "shop_back",
          "subnets": [
            "10.9.1.0/24"
          ]
        }
      ],
      "problems": [
        {
          "remedy": [
            "sysctl -w net.ipv4.ip_forward=1"
          ],
          "what": "this machine does not forward IPv4"
        }
      ],
      "project": "shop",
      "reach": [
        {
          "from": "shop-db-1",
          "obstacles": [
            {
              "remedy": "add `front` to the `networks` of db; until its next `up`: rcompose network connect shop_front shop-db-1",
              "rule": "table inet rcompose-shop, chain forward: iifname rc-back drop",
              "why": "no network in common: shop-db-1 is on shop_back (internal), shop-web-1 on shop_front"
            },
            {
              "why": "port 8080/tcp of shop-web-1 is published on 0.0.0.0, which shop-db-1 has no way to"
            },
            {
              "remedy": "publish it on another address, or without one",
              "why": "port 9090/tcp of shop-web-1 is published on 127.0.0.1, where only this machine itself reaches it"
            }
          ],
          "reaches": "no",
          "to": "shop-web-1",
          "ways": []
        },
        {
          "from": "shop-web-1",
          "obstacles": [
            {
              "remedy": "add `back` to the `networks` of web; until its next `up`: rcompose network connect shop_back shop-web-1",
              "rule": "table inet rcompose-shop, chain forward: oifname rc-back drop",
              "why": "no network in common: shop-web-1 is on shop_front, shop-db-1 on shop_back (internal)"
            }
          ],
          "reaches": "no",
          "to": "shop-db-1",
          "ways": []
        }
      ]
    }
    "#);
    let verdict = judge(&facts, &facts.containers[0], &facts.containers[1]);
    insta::assert_snapshot!(verdict_as_json(&verdict, &[]), @r#"
    {
      "problems": [],
      "verdict": {
        "from": "shop-db-1",
        "obstacles": [
          {
            "remedy": "add `front` to the `networks` of db; until its next `up`: rcompose network connect shop_front shop-db-1",
            "rule": "table inet rcompose-shop, chain forward: iifname rc-back drop",
            "why": "no network in common: shop-db-1 is on shop_back (internal), shop-web-1 on shop_front"
          },
          {
            "why": "port 8080/tcp of shop-web-1 is published on 0.0.0.0, which shop-db-1 has no way to"
          },
          {
            "remedy": "publish it on another address, or without one",
            "why": "port 9090/tcp of shop-web-1 is published on 127.0.0.1, where only this machine itself reaches it"
          }
        ],
        "reaches": "no",
        "to": "shop-web-1",
        "ways": []
      }
    }
    "#);
}

#[test]
fn why() {
    let pairs = [
        ("web", "app"),
        ("web", "db"),
        ("app", "web"),
        ("db", "web"),
        ("one", "two"),
        ("one", "web"),
        ("lan1", "lan2"),
        ("lan1", "web"),
        ("debug", "web"),
        ("debug", "app"),
        ("host", "db"),
        ("host", "lan1"),
        ("db", "host"),
        ("lan1", "host"),
        ("lone", "web"),
        ("web", "old"),
        ("web", "lost"),
    ];
    let told: Vec<String> = pairs.iter().map(|(from, to)| told(from, to)).collect();
    insta::assert_snapshot!(told.concat(), @"
    shop-web-1 reaches shop-app-1
      network shop_front: at 10.9.0.3 as app, shop-app-1
        because: bridge rc-front switches between its ports
    shop-web-1 does not reach shop-db-1
      no network in common: shop-web-1 is on shop_front, shop-db-1 on shop_back (internal)
        because: table inet rcompose-shop, chain forward: oifname rc-back drop
        remedy: add `back` to the `networks` of web; until its next `up`: rcompose network connect shop_back shop-web-1
    shop-app-1 reaches shop-web-1
      network shop_front: at 10.9.0.2 as web, shop-web-1
        because: bridge rc-front switches between its ports
    shop-db-1 does not reach shop-web-1
      no network in common: shop-db-1 is on shop_back (internal), shop-web-1 on shop_front
        because: table inet rcompose-shop, chain forward: iifname rc-back drop
        remedy: add `front` to the `networks` of db; until its next `up`: rcompose network connect shop_front shop-db-1
      port 8080/tcp of shop-web-1 is published on 0.0.0.0, which shop-db-1 has no way to
      port 9090/tcp of shop-web-1 is published on 127.0.0.1, where only this machine itself reaches it
        remedy: publish it on another address, or without one
    shop-one-1 does not reach shop-two-1
      network shop_apart keeps its containers apart: com.docker.network.bridge.enable_icc is off
        because: the ports of bridge rc-apart are isolated from one another
        remedy: take the option away, or put both on another network
    shop-one-1 reaches only published ports of shop-web-1
      port 8080/tcp of shop-web-1, by way of this machine: at 10.9.2.1:8080
        because: table inet rcompose-shop, chain published: leads to 10.9.0.2:80
    shop-lan1-1 does not reach shop-lan2-1
      network shop_lan keeps its containers apart: macvlan_mode is private
        because: a private macvlan
        remedy: take the option away, or put both on another network
    shop-lan1-1 does not reach shop-web-1
      no network in common: shop-lan1-1 is on shop_lan, shop-web-1 on shop_front
        because: table inet rcompose-shop, chain forward: oifname rc-front drop
        remedy: add `front` to the `networks` of lan1; until its next `up`: rcompose network connect shop_front shop-lan1-1
      port 8080/tcp of shop-web-1 is published on 0.0.0.0, which shop-lan1-1 has no way to
      port 9090/tcp of shop-web-1 is published on 127.0.0.1, where only this machine itself reaches it
        remedy: publish it on another address, or without one
    shop-debug-1 reaches shop-web-1
      the loopback: both have the network of shop-web-1: at 127.0.0.1 as localhost
        because: one network namespace
    shop-debug-1 reaches shop-app-1
      network shop_front: at 10.9.0.3 as app, shop-app-1
        because: bridge rc-front switches between its ports
    shop-host-1 reaches shop-db-1
      network shop_back: at 10.9.1.4
        because: this machine is in the network: it has an address on bridge rc-back
    shop-host-1 does not reach shop-lan1-1
      this machine is not in network shop_lan
        because: macvlan: the kernel keeps such links from the machine they are on
    shop-db-1 reaches shop-host-1
      network shop_back: at 10.9.1.1
        because: shop-host-1 has the network of this machine, whose address on bridge rc-back this is
    shop-lan1-1 does not reach shop-host-1
      this machine is not in network shop_lan
        because: macvlan: the kernel keeps such links from the machine they are on
    shop-lone-1 does not reach shop-web-1
      shop-lone-1 is on no network
        remedy: give lone `networks` in the file
      port 8080/tcp of shop-web-1 is published on 0.0.0.0, which shop-lone-1 has no way to
      port 9090/tcp of shop-web-1 is published on 127.0.0.1, where only this machine itself reaches it
        remedy: publish it on another address, or without one
    shop-web-1 does not reach shop-old-1
      shop-old-1 does not run
        remedy: rcompose up -d old
    shop-web-1 does not reach shop-lost-1
      the container whose network shop-lost-1 shares is gone
        remedy: rcompose up -d --force-recreate lost
    ");
}

#[test]
fn ports_are_reached_where_packets_may_go() {
    let reach = |facts: &Facts, from: &str| {
        judge(facts, facts.find(&project(), from).unwrap(), facts.find(&project(), "web").unwrap()).reaches
    };
    let facts = shop();
    assert_eq!(reach(&facts, "one"), Reach::Ports, "from another network");
    assert_eq!(reach(&facts, "db"), Reach::No, "an internal network has no way to it");
    // Only on loopback: another container has no way to it.
    let mut facts = shop();
    facts.containers.last_mut().unwrap().ports.remove(0);
    assert_eq!(reach(&facts, "one"), Reach::No);
    // Into an internal network nothing is let, unless it is by a neighbour.
    let mut facts = shop();
    facts.networks[0].1.internal = true;
    assert_eq!(reach(&facts, "one"), Reach::No);
    facts.networks[0].1.isolated = true;
    assert_eq!(reach(&facts, "app"), Reach::Ports);
    // A relay is the machine's own.
    let mut facts = shop();
    facts.containers.last_mut().unwrap().ports[0] =
        Published { relay: Some(IpAddr::from([10, 9, 0, 2])), ..published("0.0.0.0", 8080, None) };
    assert_eq!(reach(&facts, "db"), Reach::Ports);
    // A network that lets everything in.
    let mut facts = shop();
    facts.networks[0].1.pools[0].unprotected = true;
    assert_eq!(reach(&facts, "one"), Reach::Yes);
    assert_eq!(reach(&facts, "db"), Reach::No);
}

#[test]
fn names_are_those_of_what_runs_on_the_same_networks() {
    let facts = shop();
    let names = |service: &str| {
        let names = facts.names(facts.find(&project(), service).unwrap());
        names.map(|names| names.into_keys().filter(|name| !name.contains("-") && name.len() < 12).collect::<Vec<_>>())
    };
    assert_eq!(names("web").unwrap(), ["app", "store", "web"], "its link included, what has stopped not");
    assert_eq!(names("debug"), names("web"));
    assert_eq!(names("db").unwrap(), ["app", "db"]);
    assert_eq!((names("host"), names("lone")), (None, None));
}

#[test]
fn a_problem_comes_with_its_remedy() {
    let (link, bridge) = ("rv1-0".to_owned(), "rc-1".to_owned());
    let table = "rcompose-shop".to_owned();
    let damages = [
        Damage::NoLink { link: bridge.clone() },
        Damage::Down { link: link.clone() },
        Damage::NoAddress { bridge: bridge.clone(), address: IpAddr::from([10, 9, 0, 1]), prefix: 24 },
        Damage::NoCable { link: link.clone(), bridge: bridge.clone() },
        Damage::Unplugged { link: link.clone(), bridge: bridge.clone() },
        Damage::NoCarrier { link },
        Damage::NoForwarding { family: IpFamily::V6 },
        Damage::NoLoopback { bridge },
        Damage::NoTable { table: table.clone() },
        Damage::Rules { table: table.clone(), chain: "forward".to_owned(), expected: 5, found: 4 },
        Damage::Ports { table, map: "published-anywhere".to_owned(), missing: 1, foreign: 0 },
    ];
    let owners =
        [Owner { container: "shop-web-1".to_owned(), service: "web".to_owned(), network: "shop_front".to_owned() }];
    let problem = |damage: &Damage| Problem::of_damage(damage, if damage.link().is_some() { &owners } else { &[] });
    let problems: Vec<Problem> = damages.iter().map(problem).collect();
    insta::assert_snapshot!(problems_as_text(&problems), @"
    problem: link `rc-1` is gone: that of shop-web-1 on network shop_front
      remedy: `rcompose down` and `rcompose up -d`
    problem: link `rv1-0` is down: that of shop-web-1 on network shop_front
      remedy: `ip link set rv1-0 up`
    problem: bridge `rc-1` has lost its address 10.9.0.1/24: that of shop-web-1 on network shop_front
      remedy: `ip address add 10.9.0.1/24 dev rc-1`
    problem: cable `rv1-0` to bridge `rc-1` is gone: that of shop-web-1 on network shop_front
      remedy: `rcompose up -d --force-recreate --no-deps web`
    problem: cable `rv1-0` is not on bridge `rc-1`: that of shop-web-1 on network shop_front
      remedy: `ip link set rv1-0 master rc-1`
    problem: cable `rv1-0` is down at its end in the container: that of shop-web-1 on network shop_front
      remedy: `rcompose up -d --force-recreate --no-deps web`
    problem: this machine does not forward IPv6
      remedy: `sysctl -w net.ipv6.conf.all.forwarding=1`
    problem: 127.0.0.1 does not lead to the ports published on bridge `rc-1`: that of shop-web-1 on network shop_front
      remedy: `sysctl -w net.ipv4.conf.rc-1.route_localnet=1`
    problem: firewall table `inet rcompose-shop` is gone
      remedy: `rcompose down` and `rcompose up -d`
    problem: chain `forward` of firewall table `inet rcompose-shop` has 4 rules instead of 5
      remedy: `rcompose down` and `rcompose up -d`
    problem: map `published-anywhere` of firewall table `inet rcompose-shop`, which leads published ports, lacks 1 elements and has 0 of somebody else
      remedy: `rcompose down` and `rcompose up -d`
    ");
}
