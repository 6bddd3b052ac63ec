//! `secrets.*.driver`: who keeps it in a swarm.

use crate::keys::Key;

const KEY: Key = Key::new("secrets.s.driver").and("    file: x\n");

#[test]
fn forms() {
    KEY.prints(&[("a", "a")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("5", "3:13 `driver` in secret `s` must be a string, found a number"),
        ("[a]", "3:13 `driver` in secret `s` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("a", "b", "b")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("a", "3:5 `secrets.s.driver` is not supported yet")]);
}
