//! `services.*.build.labels`: labels of the image.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.build.labels").and("    init: true\n");

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
        ("{a: [1]}", "4:19 `build.labels.a` in service `web` must be a string, number or boolean, found a list"),
        ("[5]", "4:16 `build.labels` in service `web` must be a string, found a number"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("{a: 1, b: 2}", "[b=3]", r#"{"a": "1", "b": "3"}"#)]);
}
