//! `networks.*.external`: made by others.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("networks.n.external");

#[test]
fn forms() {
    KEY.prints(&[("true", "true"), ("false", ABSENT), ("'yes'", "true"), ("{name: corp}", "true")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("maybe", "3:15 invalid `external` in network `n`: `maybe` is neither `true` nor `false`"),
        ("5", "3:15 `external` in network `n` must be `true` or `false`, found a number"),
        ("[a]", "3:15 `external` in network `n` must be `true` or `false` or a mapping, found a list"),
        ("{foo: 1}", "3:16 unknown key `foo` in `external` of network `n`"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("true", "false", ABSENT)]);
}

#[test]
fn when_run() {
    KEY.runs(&[("true", "")]);
}
