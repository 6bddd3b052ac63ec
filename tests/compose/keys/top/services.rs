//! `services`: the services.

use crate::keys::Key;

const KEY: Key = Key::new("services");

#[test]
fn forms() {
    KEY.prints(&[
        ("{}", "{}"),
        (
            "{a.b-c_d: {image: x}}",
            r#"{"a.b-c_d": {"command": null, "entrypoint": null, "image": "x", "networks": {"default": null}}}"#,
        ),
        (
            "{x-web: {image: x}}",
            r#"{"x-web": {"command": null, "entrypoint": null, "image": "x", "networks": {"default": null}}}"#,
        ),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("{'a b': {image: x}}", "1:13 invalid `services`: `a b` is not a name: letters, digits, `.`, `_` and `-` only"),
        ("{a: {image: x, foo: 1}}", "1:26 unknown key `foo` in service `a`"),
        ("{a: }", "1:12 service `a` must be a mapping, found nothing"),
        ("{a: [b]}", "1:15 service `a` must be a mapping, found a list"),
        ("{a: {command: x}}", "1:12 service `a` has neither an image nor a build context"),
        ("[a]", "1:11 `services` must be a mapping, found a list"),
        ("null", "1:1 `services` must be a mapping, found nothing"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[
        ("{a: {image: x}}", "{b: {image: y}}", r#"{"a": {"command": null, "entrypoint": null, "image": "x", "networks": {"default": null}}, "b": {"command": null, "entrypoint": null, "image": "y", "networks": {"default": null}}}"#),
        ("{a: {image: x}, b: {image: y}}", "{b: !reset null}", r#"{"a": {"command": null, "entrypoint": null, "image": "x", "networks": {"default": null}}}"#),
    ]);
}

#[test]
fn when_run() {
    KEY.runs(&[("{}", "")]);
}
