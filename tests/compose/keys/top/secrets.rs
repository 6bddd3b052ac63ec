//! `secrets`: the secrets.

use crate::keys::Key;

const KEY: Key = Key::new("secrets");

#[test]
fn forms() {
    KEY.prints(&[("{a: {file: x}}", r#"{"a": {"file": "/shop/x", "name": "shop_a"}}"#)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("{a: }", "1:11 secret `a` must be a mapping, found nothing"),
        ("{a: {}}", "1:11 secret `a` needs one of `file`, `environment`"),
        ("{a: {file: x, environment: Y}}", "1:24 secret `a` has both `file` and `environment`"),
        ("{a: {file: x, foo: 1}}", "1:24 unknown key `foo` in secret `a`"),
        ("[a]", "1:10 `secrets` must be a mapping, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[(
        "{a: {file: x}}",
        "{b: {environment: SET}}",
        r#"{"a": {"file": "/shop/x", "name": "shop_a"}, "b": {"environment": "SET", "name": "shop_b"}}"#,
    )]);
}

#[test]
fn when_run() {
    KEY.runs(&[("{a: {file: x}}", "")]);
}
