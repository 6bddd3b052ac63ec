//! `volumes.*.external`: made by others.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("volumes.v.external");

#[test]
fn forms() {
    KEY.prints(&[("true", "true"), ("false", ABSENT), ("{name: corp}", "true")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("maybe", "3:15 invalid `external` in volume `v`: `maybe` is neither `true` nor `false`"),
        ("5", "3:15 `external` in volume `v` must be `true` or `false`, found a number"),
        ("[a]", "3:15 `external` in volume `v` must be `true` or `false` or a mapping, found a list"),
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
