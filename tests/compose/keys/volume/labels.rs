//! `volumes.*.labels`: labels of the volume.

use crate::keys::Key;

const KEY: Key = Key::new("volumes.v.labels");

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
        ("{a: [1]}", "3:17 `labels.a` in volume `v` must be a string, number or boolean, found a list"),
        ("[5]", "3:14 `labels` in volume `v` must be a string, found a number"),
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
