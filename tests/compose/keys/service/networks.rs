//! `services.*.networks`: the networks it is attached to.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.networks").and("networks: {n: , o: }\n");

#[test]
fn forms() {
    KEY.prints(&[
        ("[n]", r#"{"n": null}"#),
        ("{n: }", r#"{"n": null}"#),
        ("{n: {}}", r#"{"n": {}}"#),
        ("{n: {aliases: [a, b], ipv4_address: 10.9.0.5, ipv6_address: '2001:db8::5', priority: 10}, o: }", r#"{"n": {"aliases": ["a", "b"], "ipv4_address": "10.9.0.5", "ipv6_address": "2001:db8::5", "priority": 10}, "o": null}"#),
        ("{n: {mac_address: '02:42:ac:11:00:02', gw_priority: 1, interface_name: eth7, link_local_ips: [169.254.8.8], driver_opts: {a: 1, b: c}}}", r#"{"n": {"driver_opts": {"a": "1", "b": "c"}, "gw_priority": 1, "interface_name": "eth7", "link_local_ips": ["169.254.8.8"], "mac_address": "02:42:ac:11:00:02"}}"#),
        ("{n: {priority: 0}}", r#"{"n": {}}"#),
        ("{}", r#"{"default": null}"#),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("[none]", "3:16 service `web` refers to undefined network `none`"),
        ("[n, n]", "3:19 `n` stands twice in `networks` in service `web`"),
        ("{n: {foo: 1}}", "3:20 unknown key `foo` in `networks.n` of service `web`"),
        ("{n: {aliases: a}}", "3:29 `networks.n.aliases` in service `web` must be a list, found a string"),
        ("{n: {priority: high}}", "3:30 invalid `networks.n.priority` in service `web`: `high` is not a whole number"),
        ("{n: [a]}", "3:19 `networks.n` in service `web` must be a mapping, found a list"),
        ("n", "3:15 `networks` in service `web` must be a list or a mapping, found a string"),
        ("[5]", "3:16 `networks` in service `web` must be a string, found a number"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[
        ("[n]", "[o]", r#"{"n": null, "o": null}"#),
        ("[n]", "{n: {aliases: [a]}}", r#"{"n": {"aliases": ["a"]}}"#),
        (
            "{n: {aliases: [a], priority: 1}}",
            "{n: {aliases: [b, a], priority: 2}}",
            r#"{"n": {"aliases": ["a", "b"], "priority": 2}}"#,
        ),
        ("[n]", "!override [o]", r#"{"o": null}"#),
        ("{n: {aliases: [a]}}", "{n: }", r#"{"n": {"aliases": ["a"]}}"#),
        ("[n, o]", "{o: !reset null}", r#"{"n": null}"#),
    ]);
}

#[test]
fn when_run() {
    KEY.runs(&[
        ("{n: {aliases: [a, b], ipv4_address: 10.9.0.5, ipv6_address: '2001:db8::5', priority: 10}, o: }", "3:51 invalid `services.web.networks.n.ipv4_address: 10.9.0.5`: network `n` needs a subnet of its own for it: `ipam: {config: [{subnet: …}]}` | 3:75 invalid `services.web.networks.n.ipv6_address: 2001:db8::5`: network `n` has no IPv6: give it `enable_ipv6: true` and a subnet"),
        ("{n: {mac_address: '02:42:ac:11:00:02', gw_priority: 1, interface_name: eth7, link_local_ips: [169.254.8.8], driver_opts: {a: 1, b: c}}}", "3:137 `services.web.networks.n.driver_opts.a` has no effect: no driver here has such an option | 3:143 `services.web.networks.n.driver_opts.b` has no effect: no driver here has such an option"),
        ("[n]", ""),
    ]);
}
