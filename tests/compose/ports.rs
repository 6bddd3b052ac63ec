//! `ports`.

use crate::service;

#[test]
fn short_and_long() {
    insta::assert_snapshot!(service(
        "ports:\n  - 80\n  - \"8080-8081:90-91\"\n  - \"9000-9010:53/udp\"\n  - {target: 1, published: \"2\", host_ip: \"::1\", mode: host, name: n}"
    ), @r#"
    name: shop
    services:
      web:
        image: nginx
        networks:
          default: null
        ports:
          - mode: ingress
            protocol: tcp
            target: 80
          - mode: ingress
            protocol: tcp
            published: "8080"
            target: 90
          - mode: ingress
            protocol: tcp
            published: "8081"
            target: 91
          - mode: ingress
            protocol: udp
            published: 9000-9010
            target: 53
          - host_ip: "::1"
            mode: ingress
            protocol: tcp
            published: "2"
            target: 1
        stop_grace_period: 10s
    networks:
      default:
        name: shop_default
    "#);
}

#[test]
fn mistakes() {
    insta::assert_snapshot!(service(
        "ports:\n  - \"1-2:3-5\"\n  - {published: 1}\n  - {target: 0}\n  - {target: 1, protocol: sctp}\n  - [1]"
    ), @r#"
    error: invalid `ports`: the host range `1-2` and the container range `3-5` differ in length
     --> compose.yaml:5:9
      |
    5 |       - "1-2:3-5"
      |         ^^^^^^^^^

    error: `ports` of service `web` needs `target`
     --> compose.yaml:6:9
      |
    6 |       - {published: 1}
      |         ^^^^^^^^^^^^^^

    error: invalid `target` in `ports` of service `web`: `0` is not a port between 1 and 65535
     --> compose.yaml:7:18
      |
    7 |       - {target: 0}
      |                  ^

    error: invalid `protocol` in `ports` of service `web`: `sctp` is not supported yet
     --> compose.yaml:8:31
      |
    8 |       - {target: 1, protocol: sctp}
      |                               ^^^^

    error: `ports` in service `web` must be a mapping, found a list
     --> compose.yaml:9:9
      |
    9 |       - [1]
      |         ^^^
    "#);
}
