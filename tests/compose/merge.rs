//! Later files over earlier ones.

use crate::{Case, indented};

/// Merges the keys of a service of two files.
fn merged(base: &str, over: &str) -> String {
    let file = |keys: &str, image: &str| {
        format!(
            "services:\n  web:\n{image}{}volumes: {{a: , b: }}\nsecrets: {{s: {{file: s}}, t: {{file: t}}}}\n",
            indented(keys)
        )
    };
    let shown = Case::new(&file(base, "    image: nginx\n"))
        .file("compose.override.yml", &file(over, "    attach: true\n"))
        .shown();
    // Only the keys of the service; the rest is the same everywhere.
    let keys = shown.lines().skip(3).take_while(|line| line.starts_with(' '));
    let fixed = ["    image: nginx", "    networks:", "      default: null", "    stop_grace_period: 10s"];
    let keys = keys.filter(|line| !fixed.contains(line));
    let shown: Vec<&str> = keys.map(|line| line.strip_prefix("    ").unwrap_or(line)).collect();
    shown.join("\n")
}

#[test]
fn mappings_are_merged_and_scalars_replaced() {
    insta::assert_snapshot!(merged("user: a\nhostname: h\nlabels: {a: 1, b: 2}", "user: b\nlabels: [b=3, c=4]"), @r#"
    hostname: h
    labels:
      a: "1"
      b: "3"
      c: "4"
    user: b
    "#);
}

#[test]
fn null_keeps_what_is_there() {
    insta::assert_snapshot!(merged("user: a\nlabels: {a: 1}", "user:\nlabels:"), @r#"
    labels:
      a: "1"
    user: a
    "#);
}

#[test]
fn command_and_probe_are_replaced() {
    insta::assert_snapshot!(merged(
        "command: a 'b c'\nhealthcheck: {test: x, interval: 1s}",
        "command: [d]\nhealthcheck: {test: [CMD, y]}"
    ), @r#"
    command:
      - d
    healthcheck:
      interval: 1s
      test:
        - CMD
        - "y"
    "#);
}

#[test]
fn ports_are_unique_by_address_and_both_ends() {
    insta::assert_snapshot!(merged(
        "ports: ['8080:80', '127.0.0.1:1:1']",
        "ports: ['8081:80', '8080:80', {target: 1, published: 1, host_ip: 127.0.0.1}, '8080:80/udp']"
    ), @r#"
    ports:
      - mode: ingress
        protocol: tcp
        published: "8080"
        target: 80
      - host_ip: 127.0.0.1
        mode: ingress
        protocol: tcp
        published: "1"
        target: 1
      - mode: ingress
        protocol: tcp
        published: "8081"
        target: 80
      - mode: ingress
        protocol: udp
        published: "8080"
        target: 80
    "#);
}

#[test]
fn mounts_are_unique_by_target() {
    insta::assert_snapshot!(merged(
        "volumes: ['a:/data', './x:/x']\ntmpfs: /t\nsecrets: [s]",
        "volumes: ['b:/data:ro']\ntmpfs: ['/t:size=1m']\nsecrets: [{source: t, target: s}]"
    ), @r#"
    secrets:
      - source: t
        target: /run/secrets/s
    tmpfs:
      - /t:size=1048576
    volumes:
      - read_only: true
        source: b
        target: /data
        type: volume
      - source: /shop/x
        target: /x
        type: bind
    "#);
}

#[test]
fn a_variable_without_a_value_replaces_one_that_has() {
    insta::assert_snapshot!(merged("environment: {A: 1, B: 2}", "environment: [A, C=3]"), @r#"
    environment:
      B: "2"
      C: "3"
    "#);
}

#[test]
fn lists_are_appended_without_repeats() {
    insta::assert_snapshot!(merged(
        "dns: 1.1.1.1\ncap_add: [NET_ADMIN]\nextra_hosts: ['h=1.1.1.1']\nulimits: {nofile: 1}",
        "dns: [1.1.1.1, 8.8.8.8]\ncap_add: [cap_sys_time]\nextra_hosts: {h: 2.2.2.2}\nulimits: {nofile: {soft: 2, hard: 3}}"
    ), @r#"
    cap_add:
      - NET_ADMIN
      - SYS_TIME
    dns:
      - 1.1.1.1
      - 8.8.8.8
    extra_hosts:
      h:
        - 1.1.1.1
        - 2.2.2.2
    ulimits:
      nofile:
        hard: 3
        soft: 2
    "#);
}

#[test]
fn reset_removes_and_override_replaces() {
    insta::assert_snapshot!(merged(
        "user: a\nports: ['1:1', '2:2']\nlabels: {a: 1, b: 2}\ndns: [1.1.1.1]",
        "user: !reset null\nports: !override ['3:3']\nlabels: {a: !reset null}\ndns: !reset []"
    ), @r#"
    labels:
      b: "2"
    ports:
      - mode: ingress
        protocol: tcp
        published: "3"
        target: 3
    "#);
    insta::assert_snapshot!(merged("user: !reset a\nlabels: !override {a: !reset 1, b: 2}", "init: true"), @r#"
    init: true
    labels:
      b: "2"
    "#);
}
