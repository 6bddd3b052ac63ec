//! `networks.*.enable_ipv4`: addresses of version 4.

use crate::keys::Key;

const KEY: Key = Key::new("networks.n.enable_ipv4");

#[test]
fn forms() {
    KEY.prints(&[("true", "true"), ("false", "false")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("maybe", "3:18 invalid `enable_ipv4` in network `n`: `maybe` is neither `true` nor `false`"),
        ("1", "3:18 `enable_ipv4` in network `n` must be `true` or `false`, found a number"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("true", "false", "false")]);
}

#[test]
fn when_run() {
    KEY.runs(&[
        ("false", "3:5 invalid `networks.n.enable_ipv4`: a network has addresses of IPv4, of IPv6, or of both"),
        ("true", ""),
    ]);
}
