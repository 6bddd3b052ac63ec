//! `secrets.*.template_driver`: templates of a swarm.

use crate::keys::Key;

const KEY: Key = Key::new("secrets.s.template_driver").and("    file: x\n");

#[test]
fn forms() {
    KEY.prints(&[("golang", "golang")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("5", "3:22 `template_driver` in secret `s` must be a string, found a number"),
        ("[a]", "3:22 `template_driver` in secret `s` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("a", "b", "b")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("golang", "3:5 `secrets.s.template_driver` is not supported yet")]);
}
