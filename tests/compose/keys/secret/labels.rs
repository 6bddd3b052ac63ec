//! `secrets.*.labels`: labels of a secret of a swarm.

use crate::keys::Key;

const KEY: Key = Key::new("secrets.s.labels").and("    file: x\n");

#[test]
fn forms() {
    KEY.prints(&[("{a: b}", r#"{"a": "b"}"#), ("[a=b, c]", r#"{"a": "b", "c": ""}"#)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("{a: [1]}", "3:17 `labels.a` in secret `s` must be a string, number or boolean, found a list"),
        ("[5]", "3:14 `labels` in secret `s` must be a string, found a number"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("{a: 1}", "{b: 2}", r#"{"a": "1", "b": "2"}"#)]);
}

#[test]
fn when_run() {
    KEY.runs(&[("{a: b}", "3:5 `secrets.s.labels` has no effect: it is for swarms")]);
}
