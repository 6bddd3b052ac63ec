//! `volumes.*.name`: what it is called.

use crate::keys::Key;

const KEY: Key = Key::new("volumes.v.name");

#[test]
fn forms() {
    KEY.prints(&[("shared", "shared"), ("a-${SET}", "a-set")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("5", "3:11 `name` in volume `v` must be a string, found a number"),
        ("[a]", "3:11 `name` in volume `v` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("a", "b", "b")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("shared", "")]);
}
