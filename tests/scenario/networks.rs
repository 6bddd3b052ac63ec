//! Networks as the file wants them, seen from inside containers.

use std::process::Command;
use std::time::Duration;

use crate::support::{Sandbox, Stack, eventually};

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

#[test]
fn a_service_has_its_say_about_its_ends() {
    let sandbox = Sandbox::new("net-ends");
    let stack = sandbox.stack(
        "ends",
        "
services:
  web:
    image: 'rootfs:/'
    init: true
    command: [sleep, '1000']
    mac_address: '02:00:00:00:00:01'
    networks:
      last: {gw_priority: 1}
      named: {interface_name: front, priority: 5, mac_address: '02:00:00:00:00:02'}
      first: {priority: 10}
      tuned:
        driver_opts:
          com.docker.network.endpoint.ifname: tuned0
          com.docker.network.endpoint.sysctls: net.ipv4.conf.IFNAME.rp_filter=2
networks:
  first: {ipam: {config: [{subnet: 10.21.0.0/24}]}}
  last: {ipam: {config: [{subnet: 10.22.0.0/24}]}}
  named: {driver_opts: {com.docker.network.driver.mtu: 1400}}
  tuned:
",
    );
    stack.rcompose(&["up", "-d"]).succeeds();
    assert_eq!(addresses(&stack, "web", "eth0"), ["10.21.0.2/24"], "the highest priority is the first");
    assert_eq!(addresses(&stack, "web", "eth1"), ["10.22.0.2/24"]);
    let links = ip_in(&stack, "web", &["-o", "link"]);
    let of = |name: &str| links.lines().find(|line| line.contains(&format!(": {name}@"))).unwrap().to_owned();
    assert!(of("eth0").contains("02:00:00:00:00:01"), "the service's goes to the first: {links}");
    assert!(of("front").contains("02:00:00:00:00:02") && of("front").contains("mtu 1400"), "{links}");
    let way_out = ip_in(&stack, "web", &["route", "show", "default"]);
    assert!(way_out.contains("via 10.22.0.1 dev eth1"), "{way_out}");
    let file = "/proc/sys/net/ipv4/conf/tuned0/rp_filter";
    stack.rcompose(&["exec", "-T", "web", "cat", file]).succeeds().prints(&["2"]);
}

#[test]
fn options_of_docker_s_driver_are_obeyed() {
    let sandbox = Sandbox::new("net-options");
    let compose = "
services:
  one: {image: 'rootfs:/', init: true, command: [sleep, '1000'], networks: [n], ports: ['18080:80']}
  two: {image: 'rootfs:/', init: true, command: [python3, -u, -m, http.server, '80'], networks: [n]}
networks:
  n:
    driver_opts:
      com.docker.network.bridge.name: br-mine
      com.docker.network.bridge.enable_icc: 'false'
      com.docker.network.bridge.host_binding_ipv4: 127.0.0.1
      com.docker.network.container_iface_prefix: wan
      com.example.unknown: 1
";
    let stack = sandbox.stack("options", compose);
    stack.rcompose(&["up", "-d"]).succeeds().says(&["no driver here has the option `com.example.unknown`"]);
    let links = ip(&sandbox, &["-o", "link"]);
    assert!(links.contains("br-mine"), "{links}");
    let ports = stack.rcompose(&["ps"]).succeeds().stdout;
    assert!(ports.contains("127.0.0.1:18080->80"), "{ports}");
    let two = addresses(&stack, "two", "wan0");
    let (two, _) = two[0].split_once('/').unwrap();
    let connect = format!("import socket; socket.create_connection(('{two}', 80), 0.5)");
    stack.logs_show("two", "Serving");
    assert!(!stack.rcompose(&["exec", "-T", "one", "python3", "-c", &connect]).status.success());
    let second = sandbox.stack("second", compose);
    second.rcompose(&["up", "-d"]).fails_with(1).says(&["a network interface called br-mine exists already"]);
}

#[test]
fn a_network_may_be_that_of_the_host_or_none() {
    let sandbox = Sandbox::new("net-kinds");
    let stack = sandbox.stack(
        "kinds",
        "
services:
  host: {image: 'rootfs:/', init: true, command: [sleep, '1000'], networks: [h]}
  none: {image: 'rootfs:/', init: true, command: [sleep, '1000'], networks: [z]}
  legacy: {image: 'rootfs:/', init: true, command: [sleep, '1000'], network_mode: bridge}
networks:
  h: {external: true, name: host}
  z: {external: true, name: none}
",
    );
    stack.rcompose(&["up", "-d"]).succeeds();
    assert_eq!(ip_in(&stack, "host", &["-o", "link", "show", "lo"]), ip(&sandbox, &["-o", "link", "show", "lo"]));
    assert!(!ip_in(&stack, "none", &["-o", "link"]).contains("eth0"));
    assert_eq!(addresses(&stack, "legacy", "eth0").len(), 1);
}

#[test]
fn containers_of_a_macvlan_reach_one_another() {
    let sandbox = Sandbox::new("net-macvlan");
    ip(&sandbox, &["link", "add", "uplink", "type", "bridge"]);
    ip(&sandbox, &["link", "set", "uplink", "up"]);
    let compose = |options: &str| {
        format!(
            "
services:
  one: {{image: 'rootfs:/', init: true, command: [sleep, '1000'], networks: [n]}}
  two: {{image: 'rootfs:/', init: true, command: [python3, -u, -m, http.server, '80'], networks: [n]}}
networks:
  n: {{driver: macvlan, driver_opts: {{{options}}}, ipam: {{config: [{{subnet: 10.31.0.0/24, gateway: 10.31.0.254}}]}}}}
"
        )
    };
    for (name, options) in [("shared", "parent: uplink"), ("alone", "macvlan_mode: bridge")] {
        let stack = sandbox.stack(name, &compose(options));
        stack.rcompose(&["up", "-d"]).succeeds();
        stack.logs_show("two", "Serving");
        let fetch = "import urllib.request as r; print(r.urlopen('http://two/').status)";
        stack.rcompose(&["exec", "-T", "one", "python3", "-c", fetch]).succeeds().prints(&["200"]);
        let link = ip_in(&stack, "one", &["-d", "-o", "link", "show", "eth0"]);
        assert!(link.contains("macvlan mode bridge"), "{link}");
        let way_out = ip_in(&stack, "one", &["route", "show", "default"]);
        assert_eq!(way_out.contains("via 10.31.0.254"), name == "shared", "{way_out}");
        stack.rcompose(&["down"]).succeeds();
    }
    ip(&sandbox, &["link", "delete", "uplink"]);
}

#[test]
fn projects_meet_on_a_network_that_one_of_them_has_made() {
    let sandbox = Sandbox::new("net-external");
    let front = sandbox.stack(
        "front",
        "
services:
  web: {image: 'rootfs:/', init: true, command: [python3, -u, -m, http.server, '80', --bind, '::']}
networks: {default: {enable_ipv6: true, name: meeting}}
",
    );
    let back = "
services:
  api:
    image: 'rootfs:/'
    init: true
    command: [python3, -u, -m, http.server, '80', --bind, '::']
    ports: ['127.0.0.1:18081:80']
    networks: [meet]
networks: {meet: {external: true, name: meeting}}
";
    let back = sandbox.stack("back", back);
    back.rcompose(&["up", "-d"]).fails_with(1).says(&["network meeting is declared as external and does not exist"]);
    front.rcompose(&["up", "-d"]).succeeds();
    back.rcompose(&["up", "-d"]).succeeds();
    let (web, api) = (addresses(&front, "web", "eth0"), addresses(&back, "api", "eth0"));
    assert_eq!((web.len(), api.len()), (2, 2));
    assert!(web.iter().all(|address| !api.contains(address)), "{web:?} {api:?}");
    front.logs_show("web", "Serving");
    back.logs_show("api", "Serving");
    let fetch = |name: &str| format!("import urllib.request as r; print(r.urlopen('http://{name}/').status)");
    eventually("the name of a container of the other project", Duration::from_secs(10), || {
        let asked = front.rcompose(&["exec", "-T", "web", "getent", "hosts", "api"]);
        asked.status.success().then_some(())
    });
    front.rcompose(&["exec", "-T", "web", "python3", "-c", &fetch("api")]).succeeds().prints(&["200"]);
    back.rcompose(&["exec", "-T", "api", "python3", "-c", &fetch("web")]).succeeds().prints(&["200"]);
    let mut here = Command::new("python3");
    sandbox.equip(&mut here);
    here.args(["-c", &fetch("127.0.0.1:18081")]);
    sandbox.run(here).succeeds().prints(&["200"]);

    back.rcompose(&["down", "-t", "1"]).succeeds();
    eventually("a container that is gone has no name", Duration::from_secs(10), || {
        let asked = front.rcompose(&["exec", "-T", "web", "getent", "hosts", "api"]);
        (asked.status.code() == Some(2)).then_some(())
    });
    back.rcompose(&["up", "-d"]).succeeds();
    front
        .rcompose(&["down"])
        .succeeds()
        .says(&["network meeting stays: container back-api-1 of project back is on it"]);
    assert_eq!(addresses(&back, "api", "eth0"), api);
    back.rcompose(&["down"]).succeeds();
    front.rcompose(&["down"]).succeeds();
}

#[test]
fn containers_of_other_projects_have_the_names_that_links_give_them() {
    let sandbox = Sandbox::new("net-links");
    let store = "
services: {db: {image: 'rootfs:/', init: true, command: [sleep, '1000']}}
networks: {default: {name: meeting}}
";
    let store = sandbox.stack("store", store);
    store.rcompose(&["up", "-d"]).succeeds();
    let links = "
services:
  web: &web
    image: 'rootfs:/'
    init: true
    command: [sleep, '1000']
    networks: [meeting]
    external_links: ['store-db-1:mysql', store-db-1, 'nobody-1:gone']
  other: {<<: *web, external_links: []}
networks: {meeting: {external: true}}
";
    let shop = sandbox.stack("shop", links);
    let told = shop.rcompose(&["up", "-d"]).succeeds();
    let told = told.says(&["shop-web-1: no container nobody-1 of `external_links` runs on a network that it is on"]);
    assert!(!told.stderr.contains("container store-db-1"), "{}", told.stderr);
    let own = addresses(&store, "db", "eth0");
    let (own, _) = own[0].split_once('/').unwrap();
    let found = |service: &str, name: &str| shop.rcompose(&["exec", "-T", service, "getent", "hosts", name]);
    found("web", "mysql").succeeds().prints(&[own]);
    found("web", "store-db-1").succeeds().prints(&[own]);
    found("web", "gone").fails_with(2);
    found("other", "mysql").fails_with(2);
    shop.rcompose(&["down", "-t", "1"]).succeeds();
}

#[test]
fn subnets_are_taken_from_the_pools_of_the_user() {
    let sandbox = Sandbox::new("net-pools");
    sandbox.file("config.toml", "[network]\naddress_pools = [{base = \"10.99.0.0/29\", size = 30}]\n");
    let compose = "
services: {web: {image: 'rootfs:/', init: true, command: [sleep, '1000'], networks: [a, b]}}
networks: {a: , b: {enable_ipv6: true}}
";
    let stack = sandbox.stack("pools", compose);
    stack.rcompose(&["up", "-d"]).succeeds();
    let mut both = [addresses(&stack, "web", "eth0"), addresses(&stack, "web", "eth1")].map(|of| of[0].clone());
    both.sort();
    assert_eq!(both, ["10.99.0.2/30", "10.99.0.6/30"]);
    assert!(addresses(&stack, "web", "eth1")[1].starts_with("fd"), "a family that the user says nothing of");
    let full =
        "no free IPv4 subnet in the address pools 10.99.0.0/29: they are taken by network pools_a of project pools";
    sandbox.rcompose(&["network", "create", "third"]).fails_with(1).says(&[full]);
    sandbox.file("config.toml", "[network]\naddress_pools = [{base = \"10.99.0.0/16\", size = 24}]\n");
    sandbox.rcompose(&["network", "create", "third"]).succeeds();
    let machine = ip(&sandbox, &["-o", "addr", "show", "scope", "global"]);
    assert!(machine.lines().any(|line| line.contains("10.99.") && line.contains("/24")), "{machine}");
    sandbox.rcompose(&["network", "rm", "third"]).succeeds();
    sandbox.file("config.toml", "[network]\naddress_pools = [{base = \"10.99.0.0/16\", size = 8}]\n");
    sandbox.rcompose(&["network", "create", "fourth"]).fails().says(&["has no subnets of size 8"]);
}

#[test]
fn projects_that_come_up_at_once_choose_different_subnets() {
    let sandbox = Sandbox::new("net-race");
    // As small a choice as there may be: whoever does not look sees to a clash.
    sandbox.file("config.toml", "[network]\naddress_pools = [{base = \"10.99.0.0/28\", size = 30}]\n");
    let compose = "services: {web: {image: 'rootfs:/', init: true, command: [sleep, '1000']}}";
    let stacks = ["one", "two", "three", "four"].map(|name| sandbox.stack(name, compose));
    let running: Vec<_> = stacks.iter().map(|stack| stack.spawn(&["up", "-d"])).collect();
    for up in running {
        up.wait(Duration::from_secs(60)).succeeds();
    }
    let mut all: Vec<String> = stacks.iter().flat_map(|stack| addresses(stack, "web", "eth0")).collect();
    all.sort();
    assert_eq!(all, ["10.99.0.10/30", "10.99.0.14/30", "10.99.0.2/30", "10.99.0.6/30"]);
}

#[test]
fn projects_are_kept_apart_in_both_families() {
    let sandbox = Sandbox::new("net-apart");
    let compose = "
services:
  web: {image: 'rootfs:/', init: true, command: [python3, -u, -m, http.server, '80', --bind, '::']}
networks: {default: {enable_ipv6: true}}
";
    let [one, two] = ["one", "two"].map(|name| sandbox.stack(name, compose));
    for stack in [&one, &two] {
        stack.rcompose(&["up", "-d"]).succeeds();
        stack.logs_show("web", "Serving");
    }
    let reaches = |from: &Stack<'_>, host: &str| {
        let script = format!("import socket; socket.create_connection(('{host}', 80), 1)");
        from.rcompose(&["exec", "-T", "web", "python3", "-c", &script]).status.success()
    };
    for (from, to) in [(&one, &two), (&two, &one)] {
        for address in addresses(to, "web", "eth0") {
            let (address, _) = address.split_once('/').unwrap();
            assert!(reaches(to, address), "{address} is not reached from its own network");
            assert!(!reaches(from, address), "{address} is reached from another project");
        }
    }
}

#[test]
fn a_vlan_of_a_link_is_made_where_the_kernel_has_such() {
    let sandbox = Sandbox::new("net-vlan");
    ip(&sandbox, &["link", "add", "uplink", "type", "bridge"]);
    ip(&sandbox, &["link", "set", "uplink", "up"]);
    let vlans = || ip(&sandbox, &["-o", "-d", "link"]).lines().filter(|line| line.contains("uplink.10@")).count();
    let compose = "
services: {web: {image: 'rootfs:/', init: true, command: [sleep, '1000']}}
networks: {default: {driver: macvlan, driver_opts: {parent: uplink.10}, ipam: {config: [{subnet: 10.31.0.0/24}]}}}
";
    let [one, two] = [("one", compose), ("two", &compose.replace("10.31", "10.32"))]
        .map(|(name, compose)| sandbox.stack(name, compose));
    let up = one.rcompose(&["up", "-d"]);
    if up.status.success() {
        assert_eq!(vlans(), 1);
        two.rcompose(&["up", "-d"]).succeeds();
        one.rcompose(&["down", "-t", "1"]).succeeds();
        assert_eq!(vlans(), 1, "another network has it too");
        two.rcompose(&["down", "-t", "1"]).succeeds();
        assert_eq!(vlans(), 0);
    } else {
        up.fails_with(1).says(&["cannot make `uplink.10`: this kernel has no VLANs (CONFIG_VLAN_8021Q)"]);
        one.rcompose(&["down", "-t", "1"]).succeeds();
    }
    ip(&sandbox, &["link", "delete", "uplink"]);
}
