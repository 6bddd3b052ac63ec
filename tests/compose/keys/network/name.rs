//! `networks.*.name`: what it is called.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("networks.n.name");

#[test]
fn forms() {
    KEY.prints(&[("corp", "corp"), ("a-${SET}", "a-set"), ("''", ABSENT)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("5", "3:11 `name` in network `n` must be a string, found a number"),
        ("[a]", "3:11 `name` in network `n` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("a", "b", "b")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("corp", "")]);
}
