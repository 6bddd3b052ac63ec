//! `models.*.name`: what it is called.

use crate::keys::Key;

const KEY: Key = Key::new("models.m.name").and("    model: ai/x\nservices: {web: {image: x, models: [m]}}\n");

#[test]
fn forms() {
    KEY.prints(&[("a", "a")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("5", "3:11 `name` in model `m` must be a string, found a number"),
        ("[a]", "3:11 `name` in model `m` must be a string, found a list"),
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
