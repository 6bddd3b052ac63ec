//! `services.*.annotations`: annotations of the containers.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.annotations");

#[test]
fn forms() {
    KEY.prints(&[
        ("{a: b, n: 1.5, e: }", r#"{"a": "b", "e": "", "n": "1.5"}"#),
        ("[a=b, c]", r#"{"a": "b", "c": ""}"#),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("{a: [1]}", "3:22 `annotations.a` in service `web` must be a string, number or boolean, found a list"),
        ("[5]", "3:19 `annotations` in service `web` must be a string, found a number"),
        ("5", "3:18 `annotations` in service `web` must be a mapping or a list, found a number"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("{a: 1, b: 2}", "[b=3]", r#"{"a": "1", "b": "3"}"#)]);
}

#[test]
fn when_run() {
    KEY.runs(&[("{a: b, n: 1.5, e: }", "")]);
}
