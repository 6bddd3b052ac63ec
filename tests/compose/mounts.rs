//! `volumes`, `tmpfs`, `configs` and `secrets`.

use crate::{Case, service, shown};

#[test]
fn all_forms() {
    let case = Case::new(
        "services:\n  web:\n    image: nginx\n    volumes:\n      - n:/n\n      - /anonymous\n      - ./src:/src:ro,rslave\n      - ../up:/up\n      - ~/home:/home\n      - data:/data:nocopy\n      - {type: bind, source: ., target: /here, bind: {create_host_path: false}}\n      - {type: volume, target: /b, read_only: true}\n      - {type: tmpfs, target: /t1, tmpfs: {size: 1m, mode: 0700}}\n    tmpfs: \"/t2:size=64k,mode=1777,uid=7\"\nvolumes: {n: , data: {name: shared, external: true}, unused: }\n",
    )
    .variable("HOME", "/root");
    insta::assert_snapshot!(case.shown(), @r#"
    name: shop
    services:
      web:
        image: nginx
        networks:
          default: null
        stop_grace_period: 10s
        tmpfs:
          - /t1:size=1048576,mode=700
          - /t2:size=65536,mode=1777,uid=7
        volumes:
          - target: /anonymous
            type: volume
          - read_only: true
            target: /b
            type: volume
          - source: data
            target: /data
            type: volume
            volume:
              nocopy: true
          - bind:
              create_host_path: false
            source: /shop
            target: /here
            type: bind
          - source: /root/home
            target: /home
            type: bind
          - source: "n"
            target: /n
            type: volume
          - bind:
              propagation: rslave
            read_only: true
            source: /shop/src
            target: /src
            type: bind
          - source: /up
            target: /up
            type: bind
    networks:
      default:
        name: shop_default
    volumes:
      data:
        external: true
        name: shared
      "n":
        name: shop_n
    "#);
}

#[test]
fn mistakes() {
    insta::assert_snapshot!(service(
        "volumes:\n  - /a:/a:rx\n  - a:b:c:d\n  - ./a:b\n  - {type: image, target: /x}\n  - {type: bind, target: /y}"
    ), @r#"
    error: invalid `volumes`: unknown option `rx`
     --> compose.yaml:5:9
      |
    5 |       - /a:/a:rx
      |         ^^^^^^^^

    error: invalid `volumes`: expected `SOURCE:TARGET[:OPTIONS]`
     --> compose.yaml:6:9
      |
    6 |       - a:b:c:d
      |         ^^^^^^^

    error: invalid `volumes` in service `web`: the target `b` is not an absolute path
     --> compose.yaml:7:9
      |
    7 |       - ./a:b
      |         ^^^^^

    error: `type: image` in `volumes` of service `web` is not supported yet
     --> compose.yaml:8:16
      |
    8 |       - {type: image, target: /x}
      |                ^^^^^

    error: `volumes` of service `web` needs `source`
     --> compose.yaml:9:9
      |
    9 |       - {type: bind, target: /y}
      |         ^^^^^^^^^^^^^^^^^^^^^^^^
    "#);
}

#[test]
fn configs_and_secrets() {
    insta::assert_snapshot!(shown(
        "services:\n  web:\n    image: nginx\n    configs: [c, {source: inline, target: /etc/i.conf, mode: 0440}]\n    secrets: [s, {source: s, target: again, uid: '5', gid: \"6\", mode: 256}]\nconfigs: {c: {file: ./c.conf}, inline: {content: \"a $$b\\n\"}}\nsecrets: {s: {file: s.txt}}\n"
    ), @r#"
    name: shop
    services:
      web:
        configs:
          - source: c
            target: /c
          - mode: "0440"
            source: inline
            target: /etc/i.conf
        image: nginx
        networks:
          default: null
        secrets:
          - source: s
            target: /run/secrets/s
          - gid: "6"
            mode: "0400"
            source: s
            target: /run/secrets/again
            uid: "5"
        stop_grace_period: 10s
    networks:
      default:
        name: shop_default
    configs:
      c:
        file: /shop/c.conf
      inline:
        content: "a $$b\n"
    secrets:
      s:
        file: /shop/s.txt
    "#);
}
