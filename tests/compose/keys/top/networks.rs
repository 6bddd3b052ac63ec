//! `networks`: the networks.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("networks");

#[test]
fn forms() {
    KEY.prints(&[
        ("{a: }", r#"{"a": {"ipam": {}, "name": "shop_a"}}"#),
        ("{a: {}}", r#"{"a": {"ipam": {}, "name": "shop_a"}}"#),
        ("{}", ABSENT),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("{a: {foo: 1}}", "1:16 unknown key `foo` in network `a`"),
        ("{a: [b]}", "1:15 network `a` must be a mapping, found a list"),
        ("[a]", "1:11 `networks` must be a mapping, found a list"),
        ("null", "1:1 `networks` must be a mapping, found nothing"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[
        (
            "{a: {driver: x}}",
            "{a: , b: }",
            r#"{"a": {"driver": "x", "ipam": {}, "name": "shop_a"}, "b": {"ipam": {}, "name": "shop_b"}}"#,
        ),
        ("{a: {driver: x}}", "{a: !reset null}", ABSENT),
    ]);
}

#[test]
fn when_run() {
    KEY.runs(&[("{a: }", "")]);
}
