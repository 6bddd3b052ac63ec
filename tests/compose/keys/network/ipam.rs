//! `networks.*.ipam`: the addresses that it gives.

use crate::keys::Key;

const KEY: Key = Key::new("networks.n.ipam");

#[test]
fn forms() {
    KEY.prints(&[
        ("{driver: default, config: [{subnet: 10.9.0.0/24, ip_range: 10.9.0.128/25, gateway: 10.9.0.1, aux_addresses: {a: 10.9.0.5}}]}", r#"{"config": [{"aux_addresses": {"a": "10.9.0.5"}, "gateway": "10.9.0.1", "ip_range": "10.9.0.128/25", "subnet": "10.9.0.0/24"}], "driver": "default"}"#),
        ("{config: [{subnet: '2001:db8::/64'}]}", r#"{"config": [{"subnet": "2001:db8::/64"}]}"#),
        ("{options: {a: b}}", "{}"),
        ("{}", "{}"),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("{config: [{foo: 1}]}", "3:22 unknown key `foo` in `ipam.config` of network `n`"),
        ("{config: {subnet: 10.9.0.0/24}}", "3:20 `ipam.config` in network `n` must be a list, found a mapping"),
        ("{options: {a: 1}}", "3:25 `ipam.options.a` in network `n` must be a string, found a number"),
        ("{config: [{subnet: 5}]}", "3:30 `ipam.config.subnet` in network `n` must be a string, found a number"),
        ("{foo: 1}", "3:12 unknown key `foo` in `ipam` of network `n`"),
        ("a", "3:11 `ipam` in network `n` must be a mapping, found a string"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[
        (
            "{config: [{subnet: 10.9.0.0/24}]}",
            "{config: [{subnet: 10.9.0.0/24, gateway: 10.9.0.1}]}",
            r#"{"config": [{"gateway": "10.9.0.1", "subnet": "10.9.0.0/24"}]}"#,
        ),
        ("{driver: a}", "{driver: b}", r#"{"driver": "b"}"#),
    ]);
}

#[test]
fn when_run() {
    KEY.runs(&[
        ("{driver: default, config: [{subnet: 10.9.0.0/24, ip_range: 10.9.0.128/25, gateway: 10.9.0.1, aux_addresses: {a: 10.9.0.5}}]}", ""),
        ("{config: [{subnet: '2001:db8::/64'}]}", ""),
        ("{options: {a: b}}", "3:12 `networks.n.ipam.options` has no effect: what gives out addresses has no options"),
        ("{}", ""),
    ]);
}
