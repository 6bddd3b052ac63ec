//! `services.*.build.additional_contexts`: further contexts by name.

use crate::keys::Key;

const KEY: Key =
    Key::new("services.web.build.additional_contexts").and("    init: true\n  base: {build: .}\n  plain: {image: x}\n");

#[test]
fn forms() {
    KEY.prints(&[
        (
            "{a: ./dir, b: 'docker-image://alpine', c: 'https://example.org/x.git'}",
            r#"{"a": "/shop/dir", "b": "docker-image://alpine", "c": "https://example.org/x.git"}"#,
        ),
        ("[a=dir]", r#"{"a": "/shop/dir"}"#),
        ("{a: 'service:base'}", r#"{"a": "service:base"}"#),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("{a: 'service:none'}", "4:41 service `web` refers to undefined service `none`"),
        ("{a: 'service:plain'}", "4:41 `plain` is not built, and so no context for service `web`"),
        (
            "{a: [b]}",
            "4:32 `build.additional_contexts.a` in service `web` must be a string, number or boolean, found a list",
        ),
        ("a=b", "4:28 `build.additional_contexts` in service `web` must be a mapping or a list, found a string"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("{a: x, b: y}", "[b=z]", r#"{"a": "/shop/x", "b": "/shop/z"}"#)]);
}
