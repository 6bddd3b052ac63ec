//! `configs.*.name`: what it is called.

use crate::keys::Key;

const KEY: Key = Key::new("configs.c.name").and("    file: x\n");

#[test]
fn forms() {
    KEY.prints(&[("a", "a")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("5", "3:11 `name` in config `c` must be a string, found a number"),
        ("[a]", "3:11 `name` in config `c` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("a", "b", "b")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("a", "")]);
}
