//! `networks.*.internal`: without a way out.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("networks.n.internal");

#[test]
fn forms() {
    KEY.prints(&[("true", "true"), ("false", ABSENT), ("'yes'", "true")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("maybe", "3:15 invalid `internal` in network `n`: `maybe` is neither `true` nor `false`"),
        ("1", "3:15 `internal` in network `n` must be `true` or `false`, found a number"),
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
