//! `services.*.build.pull`: base images are always pulled.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.build.pull").and("    init: true\n");

#[test]
fn forms() {
    KEY.prints(&[("true", "true"), ("false", ABSENT), ("'yes'", "true")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("1", "4:13 `build.pull` in service `web` must be `true` or `false`, found a number"),
        ("maybe", "4:13 invalid `build.pull` in service `web`: `maybe` is neither `true` nor `false`"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("true", "false", ABSENT)]);
}
