//! `networks.*.enable_ipv6`: addresses of version 6.

use crate::keys::Key;

const KEY: Key = Key::new("networks.n.enable_ipv6");

#[test]
fn forms() {
    KEY.prints(&[("true", "true"), ("false", "false"), ("'on'", "true")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("maybe", "3:18 invalid `enable_ipv6` in network `n`: `maybe` is neither `true` nor `false`"),
        ("1", "3:18 `enable_ipv6` in network `n` must be `true` or `false`, found a number"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("true", "false", "false")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("true", ""), ("false", "")]);
}
