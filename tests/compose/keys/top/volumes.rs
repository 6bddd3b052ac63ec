//! `volumes`: the volumes.

use crate::keys::Key;

const KEY: Key = Key::new("volumes");

#[test]
fn forms() {
    KEY.prints(&[("{a: }", r#"{"a": {"name": "shop_a"}}"#), ("{a: {}}", r#"{"a": {"name": "shop_a"}}"#)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("{'a b': }", "1:12 invalid `volumes`: `a b` is not a name: letters, digits, `.`, `_` and `-` only"),
        ("{a: {foo: 1}}", "1:15 unknown key `foo` in volume `a`"),
        ("{a: [b]}", "1:14 volume `a` must be a mapping, found a list"),
        ("[a]", "1:10 `volumes` must be a mapping, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[(
        "{a: {driver: x}}",
        "{a: , b: }",
        r#"{"a": {"driver": "x", "name": "shop_a"}, "b": {"name": "shop_b"}}"#,
    )]);
}

#[test]
fn when_run() {
    KEY.runs(&[("{a: }", "")]);
}
