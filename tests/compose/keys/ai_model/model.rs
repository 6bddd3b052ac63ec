//! `models.*.model`: the artifact.

use crate::keys::Key;

const KEY: Key = Key::new("models.m.model").and("services: {web: {image: x, models: [m]}}\n");

#[test]
fn forms() {
    KEY.prints(&[("ai/x", "ai/x")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("5", "3:12 `model` in model `m` must be a string, found a number"),
        ("[a]", "3:12 `model` in model `m` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("a", "b", "b")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("ai/x", "")]);
}
