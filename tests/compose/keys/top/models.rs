//! `models`: the models.

use crate::keys::Key;

const KEY: Key = Key::new("models").and("services: {web: {image: x, models: [a]}}\n");

#[test]
fn forms() {
    KEY.prints(&[("{a: {model: x}}", r#"{"a": {"model": "x"}}"#)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("{a: }", "1:10 model `a` must be a mapping, found nothing"),
        ("{a: {}}", "1:10 model `a` needs `model`"),
        ("{a: {model: x, foo: 1}}", "1:24 unknown key `foo` in model `a`"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("{a: {model: x}}", "{a: {context_size: 5}}", r#"{"a": {"context_size": 5, "model": "x"}}"#)]);
}
