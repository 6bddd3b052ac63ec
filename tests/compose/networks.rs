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
