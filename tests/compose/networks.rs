//! `networks` and `network_mode`.

use crate::{service, shown};

#[test]
fn all_forms() {
    insta::assert_snapshot!(shown(
        "services:\n  web:\n    image: nginx\n    networks:\n      front: {aliases: [www], ipv4_address: 10.9.0.5, priority: 10, mac_address: 02-42-AC-11-00-02}\n      back:\n  host: {image: x, network_mode: host}\nnetworks:\n  front: {internal: true, driver: bridge, ipam: {config: [{subnet: 10.9.0.0/24, gateway: 10.9.0.1}]}, labels: [a=b]}\n  back: {name: corp, external: true}\n  unused:\n"
    ), @r#"
    name: shop
    services:
      host:
        image: x
        network_mode: host
        stop_grace_period: 10s
      web:
        image: nginx
        networks:
          back: null
          front:
            aliases:
              - www
            ipv4_address: 10.9.0.5
            mac_address: "02:42:ac:11:00:02"
            priority: 10
        stop_grace_period: 10s
    networks:
      back:
        external: true
        name: corp
      front:
        internal: true
        ipam:
          config:
            - gateway: 10.9.0.1
              subnet: 10.9.0.0/24
        labels:
          a: b
        name: shop_front
    "#);
}

#[test]
fn mistakes() {
    insta::assert_snapshot!(service("network_mode: brigde"), @r#"
    error: invalid `network_mode` in service `web`: must be `none`, `host`, `service:NAME` or `container:NAME`
     --> compose.yaml:4:19
      |
    4 |     network_mode: brigde
      |                   ^^^^^^
    "#);
    insta::assert_snapshot!(shown(
        "services: {web: {image: x, networks: {n: {ipv4_address: 1.2.3, link_local_ips: []}}}}\nnetworks: {n: {ipam: {config: [{subnet: 10.0.0.0}]}}}"
    ), @r#"
    error: invalid `ipv4_address` in `n` of service `web`: `1.2.3` is not an IPv4 address
     --> compose.yaml:1:57
      |
    1 | services: {web: {image: x, networks: {n: {ipv4_address: 1.2.3, link_local_ips: []}}}}
      |                                                         ^^^^^

    error: `link_local_ips` in `n` of service `web` is not supported yet
     --> compose.yaml:1:64
      |
    1 | services: {web: {image: x, networks: {n: {ipv4_address: 1.2.3, link_local_ips: []}}}}
      |                                                                ^^^^^^^^^^^^^^

    error: invalid `subnet` in `config` of network `n`: `10.0.0.0` is not an IPv4 subnet such as 10.1.2.0/24
     --> compose.yaml:2:41
      |
    2 | networks: {n: {ipam: {config: [{subnet: 10.0.0.0}]}}}
      |                                         ^^^^^^^^
    "#);
}
