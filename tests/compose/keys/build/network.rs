//! `services.*.build.network`: the network of the build.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.build.network").and("    init: true\n");

#[test]
fn forms() {
    KEY.prints(&[("a", "a")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("5", "4:16 `build.network` in service `web` must be a string, found a number"),
        ("[a]", "4:16 `build.network` in service `web` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("a", "b", "b")]);
}
