//! `networks.*.attachable`: open to containers that are no services.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("networks.n.attachable");

#[test]
fn forms() {
    KEY.prints(&[("true", "true"), ("false", ABSENT)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("maybe", "3:17 invalid `attachable` in network `n`: `maybe` is neither `true` nor `false`"),
        ("1", "3:17 `attachable` in network `n` must be `true` or `false`, found a number"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("true", "false", ABSENT)]);
}

#[test]
fn when_run() {
    KEY.runs(&[("true", "3:5 `networks.n.attachable` has no effect: it is for swarms"), ("false", "")]);
}
