//! `volumes.*.driver`: who keeps it.

use crate::keys::Key;

const KEY: Key = Key::new("volumes.v.driver");

#[test]
fn forms() {
    KEY.prints(&[("local", "local")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("5", "3:13 `driver` in volume `v` must be a string, found a number"),
        ("[a]", "3:13 `driver` in volume `v` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("a", "b", "b")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("local", "")]);
}
