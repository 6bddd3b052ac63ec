//! Networks as the file wants them, seen from inside containers.

use std::process::Command;

use crate::support::{Sandbox, Stack};

/// What `ip` of the system says on the machine of the test.
fn ip(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let mut command = Command::new("ip");
    sandbox.equip(&mut command);
    command.args(arguments);
    sandbox.run(command).succeeds().stdout
}

/// What it says in the container of a service.
fn ip_in(stack: &Stack<'_>, service: &str, arguments: &[&str]) -> String {
    let command = [&["exec", "-T", service, "ip"][..], arguments].concat();
    stack.rcompose(&command).succeeds().stdout
}

/// The addresses of `interface`, with the lengths of their prefixes, those of the link alone left out.
fn addresses(stack: &Stack<'_>, service: &str, interface: &str) -> Vec<String> {
    let shown = ip_in(stack, service, &["-o", "addr", "show", "dev", interface, "scope", "global"]);
    let address = |line: &str| line.split_whitespace().nth(3).map(str::to_owned);
    shown.lines().filter_map(address).collect()
}

#[test]
fn containers_of_a_dual_stack_network_have_and_use_both_families() {
    let sandbox = Sandbox::new("net-dual");
    let stack = sandbox.stack(
        "dual",
        "
services:
  one: {image: 'rootfs:/', init: true, command: [sleep, '1000'], extra_hosts: ['host.docker.internal:host-gateway']}
  two: {image: 'rootfs:/', init: true, command: [python3, -u, -m, http.server, '80', --bind, '::']}
networks:
  default: {enable_ipv6: true}
",
    );
    stack.rcompose(&["up", "-d"]).succeeds();
    let one = addresses(&stack, "one", "eth0");
    assert!(matches!(&*one, [v4, v6] if v4.ends_with("/24") && v6.starts_with("fd") && v6.ends_with("/64")), "{one:?}");
    let two = addresses(&stack, "two", "eth0");
    let hosts = stack.rcompose(&["exec", "-T", "one", "cat", "/etc/hosts"]).succeeds().stdout;
    for address in &one {
        let (address, _) = address.split_once('/').unwrap();
        assert!(hosts.contains(&format!("{address}\t")), "{hosts}");
    }
    let gateways: Vec<_> = hosts.lines().filter(|line| line.contains("host.docker.internal")).collect();
    assert_eq!(gateways.len(), 2, "{hosts}");
    let ways_out = ip_in(&stack, "one", &["-6", "route", "show", "default"]);
    assert!(ways_out.contains("via fd"), "{ways_out}");
    let (two, _) = two[1].split_once('/').unwrap();
    let fetch = format!("import urllib.request as r; print(r.urlopen('http://[{two}]/').status)");
    stack.logs_show("two", "Serving");
    stack.rcompose(&["exec", "-T", "one", "python3", "-c", &fetch]).succeeds().prints(&["200"]);
    // The same addresses after all has been taken down.
    stack.rcompose(&["down"]).succeeds();
    stack.rcompose(&["up", "-d"]).succeeds();
    assert_eq!(addresses(&stack, "one", "eth0"), one);
}

#[test]
fn a_network_may_be_of_ipv6_alone() {
    let sandbox = Sandbox::new("net-six");
    let stack = sandbox.stack(
        "six",
        "
services:
  one: {image: 'rootfs:/', init: true, command: [sleep, '1000']}
networks:
  default: {enable_ipv4: false, enable_ipv6: true}
",
    );
    stack.rcompose(&["up", "-d"]).succeeds();
    let one = addresses(&stack, "one", "eth0");
    assert!(matches!(&*one, [v6] if v6.starts_with("fd")), "{one:?}");
}

#[test]
fn addresses_are_given_out_as_the_file_says() {
    let sandbox = Sandbox::new("net-ipam");
    let stack = sandbox.stack(
        "ipam",
        "
services:
  fixed:
    image: 'rootfs:/'
    init: true
    command: [sleep, '1000']
    networks:
      n: {ipv4_address: 10.9.0.77, ipv6_address: 'fd09::77', link_local_ips: [169.254.7.7, 'fe80::77']}
  given: {image: 'rootfs:/', init: true, command: [sleep, '1000'], networks: [n]}
networks:
  n:
    ipam:
      config:
        - {subnet: 10.9.0.0/24, ip_range: 10.9.0.128/25, gateway: 10.9.0.254, aux_addresses: {router: 10.9.0.128}}
        - {subnet: 'fd09::/64', ip_range: 'fd09::f0/124', aux_addresses: {router: 'fd09::f0'}}
        - {subnet: 10.10.0.0/24}
",
    );
    stack.rcompose(&["up", "-d"]).succeeds();
    assert_eq!(addresses(&stack, "fixed", "eth0"), ["10.9.0.77/24", "fd09::77/64"]);
    assert_eq!(addresses(&stack, "given", "eth0"), ["10.9.0.129/24", "fd09::f1/64"]);
    let link = ip_in(&stack, "fixed", &["-o", "addr", "show", "dev", "eth0", "scope", "link"]);
    assert!(link.contains("169.254.7.7/16") && link.contains("fe80::77/64"), "{link}");
    let way_out = ip_in(&stack, "given", &["route", "show", "default"]);
    assert!(way_out.contains("via 10.9.0.254"), "{way_out}");
    let machine = ip(&sandbox, &["-o", "addr", "show", "scope", "global"]);
    for gateway in ["10.9.0.254/24", "fd09::1/64", "10.10.0.1/24"] {
        assert!(machine.contains(gateway), "{gateway} is not in {machine}");
    }
}

#[test]
fn a_subnet_that_is_somebodys_is_refused_by_name() {
    let sandbox = Sandbox::new("net-overlap");
    let compose = |subnet: &str| {
        format!(
            "
services: {{web: {{image: 'rootfs:/', init: true, command: [sleep, '1000'], networks: [n]}}}}
networks: {{n: {{ipam: {{config: [{{subnet: '{subnet}'}}]}}}}}}
"
        )
    };
    sandbox.stack("first", &compose("10.9.0.0/24")).rcompose(&["up", "-d"]).succeeds();
    let second = sandbox.stack("second", &compose("10.9.0.128/25"));
    second
        .rcompose(&["up", "-d"])
        .fails_with(1)
        .says(&["10.9.0.128/25", "10.9.0.0/24 of network first_n of project first"]);
    ip(&sandbox, &["link", "add", "tun9", "type", "bridge"]);
    ip(&sandbox, &["addr", "add", "10.8.1.1/24", "dev", "tun9"]);
    ip(&sandbox, &["link", "set", "tun9", "up"]);
    ip(&sandbox, &["route", "add", "10.64.0.0/12", "dev", "tun9", "table", "52"]);
    second.rewrite(&compose("10.8.0.0/16"));
    second.rcompose(&["up", "-d"]).fails_with(1).says(&["10.8.0.0/16 overlaps route 10.8.1.0/24 of tun9"]);
    second.rewrite(&compose("10.65.0.0/24"));
    second.rcompose(&["up", "-d"]).succeeds().says(&["part of route 10.64.0.0/12 of tun9"]);
    second.rcompose(&["down"]).succeeds();
    ip(&sandbox, &["link", "delete", "tun9"]);
}
