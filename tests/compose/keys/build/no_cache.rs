//! `services.*.build.no_cache`: nothing from the cache.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.build.no_cache").and("    init: true\n");

#[test]
fn forms() {
    KEY.prints(&[("true", "true"), ("false", ABSENT), ("'yes'", "true")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("1", "4:17 `build.no_cache` in service `web` must be `true` or `false`, found a number"),
        ("maybe", "4:17 invalid `build.no_cache` in service `web`: `maybe` is neither `true` nor `false`"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("true", "false", ABSENT)]);
}
