//! `models.*.runtime_flags`: flags of the engine.

use crate::keys::Key;

const KEY: Key = Key::new("models.m.runtime_flags").and("    model: ai/x\nservices: {web: {image: x, models: [m]}}\n");

#[test]
fn forms() {
    KEY.prints(&[("[--a, b]", r#"["--a", "b"]"#)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("[5]", "3:21 `runtime_flags` in model `m` must be a string, found a number"),
        ("a", "3:20 `runtime_flags` in model `m` must be a list, found a string"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("[a]", "[b]", r#"["a", "b"]"#)]);
}

#[test]
fn when_run() {
    KEY.runs(&[("[--a, b]", "")]);
}
