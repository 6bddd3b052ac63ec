//! `models.*.context_size`: how many tokens.

use crate::keys::Key;

const KEY: Key = Key::new("models.m.context_size").and("    model: ai/x\nservices: {web: {image: x, models: [m]}}\n");

#[test]
fn forms() {
    KEY.prints(&[
        ("4096", "4096"),
        // Docker Compose 2.40.3 refuses it.
        ("'4096'", "4096"),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("a", "3:19 invalid `context_size` in model `m`: `a` is not a whole number"),
        ("1.5", "3:19 invalid `context_size` in model `m`: `1.5` is not a whole number"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("1", "2", "2")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("4096", "")]);
}
