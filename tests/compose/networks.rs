//! `networks` and `network_mode`: what the model makes of them. Their forms are in `keys/`.

use crate::{Case, describe, messages};

const TEXT: &str = "services:
  web:
    image: nginx
    networks:
      front: {aliases: [www], ipv4_address: 10.9.0.5, priority: 10, mac_address: 02-42-AC-11-00-02}
      back:
  host: {image: x, network_mode: host}
networks:
  front: {internal: true, driver: bridge, ipam: {config: [{subnet: 10.9.0.0/24, gateway: 10.9.0.1}]}, labels: [a=b]}
  back: {name: corp, external: true}
  unused:
";

#[test]
fn what_services_use_is_there() {
    let project = Case::new(TEXT).load().map_err(|error| describe(&error)).unwrap().project;
    let keys: Vec<String> = project.networks.keys().map(ToString::to_string).collect();
    assert_eq!(keys, ["back", "front"]);
    assert_eq!(project.networks["back"].name, "corp");
    assert!(project.networks["back"].external);
    assert_eq!(project.networks["front"].name, "shop_front");
    let front = &project.services["web"].networks["front"];
    assert_eq!(front.aliases, ["www"]);
    assert_eq!(front.priority, 10);
    assert_eq!(front.mac_address.unwrap().to_string(), "02:42:ac:11:00:02");
    assert!(project.services["host"].networks.is_empty());
}

#[test]
fn no_service_in_a_network_means_no_default_network() {
    for (service, expected) in [
        ("{image: x}", 1),
        ("{image: x, networks: {}}", 1),
        ("{image: x, networks: [default]}", 1),
        ("{image: x, network_mode: none}", 0),
        ("{image: x, network_mode: host}", 0),
        ("{image: x, networks: [n]}", 0),
    ] {
        let text = format!("services: {{web: {service}}}\nnetworks: {{n: }}\n");
        let project = Case::new(&text).load().map_err(|error| describe(&error)).unwrap().project;
        assert_eq!(project.networks.keys().filter(|key| key.as_str() == "default").count(), expected, "{service}");
    }
}

#[test]
fn what_cannot_be_run_is_refused() {
    let text = "services: {web: {image: x, networks: {n: {ipv4_address: 1.2.3}}}}\nnetworks: {n: {ipam: {config: [{subnet: 10.0.0.0}]}}}";
    insta::assert_snapshot!(messages(text).join("\n"), @"
    invalid `ipv4_address` in `n` of service `web`: `1.2.3` is not an IPv4 address
    invalid `subnet` in `config` of network `n`: `10.0.0.0` is not a subnet such as 10.1.2.0/24
    ");
}

/// What keeps the services of a file from being run, with its places.
fn refused(text: &str) -> Vec<String> {
    let loaded = Case::new(text).load().map_err(|error| describe(&error)).unwrap();
    let services = loaded.project.services.keys().collect();
    let place = |diagnostic: &rcompose::compose::Diagnostic| {
        let marked = &diagnostic.span.source.text[diagnostic.span.range.clone()];
        format!("{marked}^ {}", diagnostic.kind)
    };
    loaded.unsupported.refused(&loaded.project, &services).iter().map(place).collect()
}

#[test]
fn addresses_that_cannot_be_had_are_refused_with_their_place() {
    let with = |service: &str, networks: &str| {
        format!("services: {{web: {{image: x, networks: {{n: {service}}}}}}}\nnetworks: {networks}")
    };
    let of = |config: &str| with("{}", &format!("{{n: {{ipam: {{config: [{config}]}}}}}}"));
    let address = |address: &str| {
        let pools = "{subnet: 10.9.0.0/24, aux_addresses: {r: 10.9.0.9}}, {subnet: 'fd09::/64'}";
        with(address, &format!("{{n: {{ipam: {{config: [{pools}]}}}}}}"))
    };
    for (text, expected) in [
        (
            of("{subnet: 10.9.0.7/24}"),
            "10.9.0.7/24^ invalid `networks.n.ipam.config[0].subnet`: it is an address in a network: the subnet is `10.9.0.0/24`",
        ),
        (
            of("{gateway: 10.9.0.1}"),
            "gateway^ invalid `networks.n.ipam.config[0].gateway`: it needs a `subnet` beside it",
        ),
        (
            of("{subnet: 10.9.0.0/24, gateway: 10.8.0.1}"),
            "10.8.0.1^ invalid `networks.n.ipam.config[0].gateway`: the gateway 10.8.0.1 is not in the subnet 10.9.0.0/24",
        ),
        (
            of("{subnet: 10.9.0.0/24, ip_range: 10.9.0.0/23}"),
            "10.9.0.0/23^ invalid `networks.n.ipam.config[0].ip_range`: it is not a part of the subnet 10.9.0.0/24",
        ),
        (
            of("{subnet: 10.9.0.0/24, aux_addresses: {r: 10.8.0.1}}"),
            "10.8.0.1^ invalid `networks.n.ipam.config[0].aux_addresses.r`: it is not in the subnet 10.9.0.0/24",
        ),
        (
            of("{subnet: 10.9.0.0/24}, {subnet: 10.9.0.128/25}"),
            "10.9.0.128/25^ invalid `networks.n.ipam.config[1].subnet`: it overlaps 10.9.0.0/24 of network `n`",
        ),
        (
            address("{ipv4_address: 10.8.0.5}"),
            "10.8.0.5^ invalid `services.web.networks.n.ipv4_address: 10.8.0.5`: it is not in 10.9.0.0/24 of network `n`",
        ),
        (
            address("{ipv4_address: 10.9.0.1}"),
            "10.9.0.1^ invalid `services.web.networks.n.ipv4_address: 10.9.0.1`: it is that of the gateway of network `n`",
        ),
        (
            address("{ipv4_address: 10.9.0.9}"),
            "10.9.0.9^ invalid `services.web.networks.n.ipv4_address: 10.9.0.9`: it is one of the `aux_addresses` of network `n`, which nobody gets",
        ),
        (
            address("{ipv4_address: 10.9.0.255}"),
            "10.9.0.255^ invalid `services.web.networks.n.ipv4_address: 10.9.0.255`: it is that of the network 10.9.0.0/24 itself, or of all in it",
        ),
        (
            address("{ipv6_address: 'fd08::5'}"),
            "'fd08::5'^ invalid `services.web.networks.n.ipv6_address: fd08::5`: it is not in fd09::/64 of network `n`",
        ),
        (
            with("{ipv6_address: 'fd08::5'}", "{n: }"),
            "'fd08::5'^ invalid `services.web.networks.n.ipv6_address: fd08::5`: network `n` has no IPv6: give it `enable_ipv6: true` and a subnet",
        ),
        (
            with("{ipv4_address: 10.9.0.5}", "{n: }"),
            "10.9.0.5^ invalid `services.web.networks.n.ipv4_address: 10.9.0.5`: network `n` needs a subnet of its own for it: `ipam: {config: [{subnet: …}]}`",
        ),
        (
            with("{link_local_ips: [10.9.0.5]}", "{n: }"),
            "10.9.0.5^ invalid `services.web.networks.n.link_local_ips: 10.9.0.5`: it is not in 169.254.0.0/16 or fe80::/10",
        ),
        (
            with("{}", "{n: {enable_ipv4: false}}"),
            "enable_ipv4^ invalid `networks.n.enable_ipv4`: a network has addresses of IPv4, of IPv6, or of both",
        ),
    ] {
        assert_eq!(refused(&text), [expected], "{text}");
    }
    for text in
        [address("{ipv4_address: 10.9.0.5, ipv6_address: 'fd09::5'}"), of("{subnet: 10.9.0.0/24, gateway: 10.9.0.254}")]
    {
        assert_eq!(refused(&text), [] as [&str; 0], "{text}");
    }
}

#[test]
fn no_two_containers_have_one_address() {
    let text = "services:
  a: {image: x, networks: {n: {ipv4_address: 10.9.0.5}}}
  b: {image: x, networks: {n: {ipv4_address: 10.9.0.5}}}
  c: {image: x, scale: 2, networks: {n: {ipv4_address: 10.9.0.6}}}
networks: {n: {ipam: {config: [{subnet: 10.9.0.0/24}]}}}";
    assert_eq!(
        refused(text),
        [
            "10.9.0.5^ invalid `services.b.networks.n.ipv4_address: 10.9.0.5`: another service has it",
            "10.9.0.6^ invalid `services.c.networks.n.ipv4_address: 10.9.0.6`: 2 containers cannot have one address",
        ]
    );
}

#[test]
fn names_and_options_that_the_kernel_does_not_take_are_refused_with_their_place() {
    let service = |keys: &str| format!("services: {{web: {{image: x, {keys}}}}}\nnetworks: {{n: , o: }}");
    let option = |option: &str| {
        format!(
            "services: {{web: {{image: x, networks: [n]}}}}\nnetworks: {{n: {{driver_opts: {{com.docker.network.{option}}}}}}}"
        )
    };
    for (text, expected) in [
        (
            service("networks: {n: {interface_name: sixteen-letters-}}"),
            "sixteen-letters-^ invalid `services.web.networks.n.interface_name: sixteen-letters-`: the name of an interface has at most 15 characters",
        ),
        (
            service("networks: {n: {interface_name: a/b}}"),
            "a/b^ invalid `services.web.networks.n.interface_name: a/b`: the name of an interface is made of visible ASCII characters other than `/`, `:` and `%`",
        ),
        (
            service("networks: {n: {interface_name: a}, o: {interface_name: a}}"),
            "a^ invalid `services.web.networks.o.interface_name: a`: two interfaces of a container cannot have one name",
        ),
        (
            service("networks: {n: {mac_address: '03:42:ac:11:00:02'}}"),
            "'03:42:ac:11:00:02'^ invalid `services.web.networks.n.mac_address`: it is that of a group: the lowest bit of the first byte must be 0, as in 02:42:ac:11:00:02",
        ),
        (
            service("networks: [n], mac_address: '00:00:00:00:00:00'"),
            "'00:00:00:00:00:00'^ invalid `services.web.mac_address`: it is that of nobody",
        ),
        (
            service("networks: {n: {driver_opts: {com.docker.network.endpoint.sysctls: net.ipv4.ip_forward=1}}}"),
            "net.ipv4.ip_forward=1^ invalid `services.web.networks.n.driver_opts.com.docker.network.endpoint.sysctls`: `net.ipv4.ip_forward=1` is not of the form net.ipv4.conf.IFNAME.NAME=VALUE",
        ),
        (
            option("driver.mtu: 20"),
            "20^ invalid `networks.n.driver_opts.com.docker.network.driver.mtu: 20`: it is a number of bytes from 68 to 65535",
        ),
        (
            option("bridge.name: a b"),
            "a b^ invalid `networks.n.driver_opts.com.docker.network.bridge.name: a b`: the name of an interface is made of visible ASCII characters other than `/`, `:` and `%`",
        ),
        (
            option("bridge.enable_icc: maybe"),
            "maybe^ invalid `networks.n.driver_opts.com.docker.network.bridge.enable_icc: maybe`: it is `true` or `false`",
        ),
        (
            option("bridge.gateway_mode_ipv6: open"),
            "open^ invalid `networks.n.driver_opts.com.docker.network.bridge.gateway_mode_ipv6: open`: it is `nat`, `nat-unprotected`, `routed` or `isolated`",
        ),
        (
            option("bridge.gateway_mode_ipv4: isolated"),
            "isolated^ invalid `networks.n.driver_opts.com.docker.network.bridge.gateway_mode_ipv4: isolated`: only a network with `internal: true` can be `isolated`",
        ),
    ] {
        assert_eq!(refused(&text), [expected], "{text}");
    }
}

#[test]
fn networks_may_be_named_in_other_ways_than_by_their_keys() {
    let text = "services:
  own: {image: x, network_mode: shop_n}
  others: {image: x, network_mode: proxy}
  dockers: {image: x, network_mode: bridge}
  host: {image: x, networks: [h]}
  nobody: {image: x, networks: [z]}
  n: {image: x, networks: [n]}
networks:
  n:
  h: {external: true, name: host}
  z: {driver: none}
";
    let project = Case::new(text).load().map_err(|error| describe(&error)).unwrap().project;
    let of = |service: &str| {
        let service = &project.services[service];
        let names = service.networks.keys().map(|key| project.networks[key].name.as_str()).collect::<Vec<_>>();
        (service.network_mode.as_ref().map(ToString::to_string), names)
    };
    assert_eq!(of("own"), (None, vec!["shop_n"]));
    assert_eq!(of("others"), (None, vec!["proxy"]));
    assert!(project.networks["proxy"].external);
    assert_eq!(of("dockers"), (None, vec!["shop_bridge"]));
    assert_eq!(of("host"), (Some("host".to_owned()), vec![]));
    assert_eq!(of("nobody"), (Some("none".to_owned()), vec![]));
    assert_eq!(project.networks.keys().map(ToString::to_string).collect::<Vec<_>>(), ["n", "proxy", "shop_bridge"]);
}
