//! `services.*.isolation`: how Windows isolates containers.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.isolation");

#[test]
fn forms() {
    KEY.prints(&[("hyperv", "hyperv")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("5", "3:16 `isolation` in service `web` must be a string, found a number"),
        ("[a]", "3:16 `isolation` in service `web` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("a", "b", "b")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("hyperv", "3:5 `services.web.isolation` has no effect: it is for Windows")]);
}
