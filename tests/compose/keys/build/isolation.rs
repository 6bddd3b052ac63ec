//! `services.*.build.isolation`: how Windows isolates the build.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.build.isolation").and("    init: true\n");

#[test]
fn forms() {
    KEY.prints(&[("a", "a")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("5", "4:18 `build.isolation` in service `web` must be a string, found a number"),
        ("[a]", "4:18 `build.isolation` in service `web` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("a", "b", "b")]);
}
