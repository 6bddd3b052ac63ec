//! `services.*.build.target`: the stage that is built.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.build.target").and("    init: true\n");

#[test]
fn forms() {
    KEY.prints(&[("a", "a")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("5", "4:15 `build.target` in service `web` must be a string, found a number"),
        ("[a]", "4:15 `build.target` in service `web` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("a", "b", "b")]);
}
