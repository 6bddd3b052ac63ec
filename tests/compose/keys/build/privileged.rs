//! `services.*.build.privileged`: a build with all rights.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.build.privileged").and("    init: true\n");

#[test]
fn forms() {
    KEY.prints(&[("true", "true"), ("false", ABSENT), ("'yes'", "true")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("1", "4:19 `build.privileged` in service `web` must be `true` or `false`, found a number"),
        ("maybe", "4:19 invalid `build.privileged` in service `web`: `maybe` is neither `true` nor `false`"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("true", "false", ABSENT)]);
}
