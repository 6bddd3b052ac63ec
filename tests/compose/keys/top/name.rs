//! `name`: what the project is called.

use crate::keys::Key;

const KEY: Key = Key::new("name").and("services: {}\n");

#[test]
fn forms() {
    KEY.prints(&[("shop", "shop"), ("Bad Name", "badname"), ("a-${SET}", "a-set")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("5", "1:7 `name` must be a string, found a number"),
        ("[a]", "1:7 `name` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("a", "b", "b")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("shop", "")]);
}
