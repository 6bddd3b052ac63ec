//! `ports`: what the model makes of them. Their forms are in `keys/service/ports.rs`.

use rcompose::compose::model::Port;

use crate::{Case, describe, messages};

/// The ports of a service, as far as a container has to do with them.
fn ports(list: &str) -> Vec<Port> {
    let text = format!("services: {{web: {{image: x, ports: {list}}}}}");
    let project = Case::new(&text).load().map_err(|error| describe(&error)).unwrap().project;
    let ports = project.services["web"].ports.iter().cloned();
    ports.map(|port| Port { mode: None, ..port }).collect()
}

#[test]
fn short_and_long_forms_are_the_same() {
    for (short, long) in [
        ("[80]", "[{target: 80}]"),
        ("['8080:80']", "[{target: 80, published: 8080}]"),
        ("['8080:80/udp']", "[{target: 80, published: '8080', protocol: udp}]"),
        ("['127.0.0.1:8000-8010:80']", "[{target: 80, published: 8000-8010, host_ip: 127.0.0.1}]"),
        ("['8080-8081:80-81']", "[{target: 80, published: 8080}, {target: 81, published: 8081}]"),
    ] {
        assert_eq!(ports(short), ports(long), "{short}");
    }
}

#[test]
fn all_mistakes_of_a_list_are_reported() {
    let text = "services:\n  web:\n    image: x\n    ports:\n      - \"1-2:3-5\"\n      - {published: 1}\n      - {target: 0}\n      - [1]\n      - 'zz:1:1'\n";
    insta::assert_snapshot!(messages(text).join("\n"), @"
    invalid `ports`: the host range `1-2` and the container range `3-5` differ in length
    invalid `ports` in service `web`: no `target`: which port of the container?
    invalid `ports` in service `web`: `0` is not a port between 1 and 65535
    `ports` in service `web` must be a string or whole number or a mapping, found a list
    invalid `ports`: `zz` is not an IP address
    ");
}
