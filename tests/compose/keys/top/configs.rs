//! `configs`: the configs.

use crate::keys::Key;

const KEY: Key = Key::new("configs");

#[test]
fn forms() {
    KEY.prints(&[("{a: {file: x}}", r#"{"a": {"file": "/shop/x", "name": "shop_a"}}"#)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("{a: }", "1:11 config `a` must be a mapping, found nothing"),
        ("{a: {}}", "1:11 config `a` needs one of `file`, `environment`, `content`"),
        ("{a: {file: x, content: y}}", "1:24 config `a` has both `file` and `content`"),
        ("{a: {file: x, foo: 1}}", "1:24 unknown key `foo` in config `a`"),
        ("[a]", "1:10 `configs` must be a mapping, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[(
        "{a: {file: x}}",
        "{b: {content: y}}",
        r#"{"a": {"file": "/shop/x", "name": "shop_a"}, "b": {"content": "y", "name": "shop_b"}}"#,
    )]);
}

#[test]
fn never_merged() {
    KEY.refuses_to_merge(&[(
        "{a: {file: x}}",
        "{a: {content: y}}",
        "compose.override.yaml:1:15 config `a` has both `file` and `content`",
    )]);
}

#[test]
fn when_run() {
    KEY.runs(&[("{a: {file: x}}", "")]);
}
