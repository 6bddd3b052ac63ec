//! `secrets.*.external`: made by others.

use crate::keys::Key;

const KEY: Key = Key::new("secrets.s.external");

#[test]
fn forms() {
    KEY.prints(&[("true", "true"), ("{name: corp}", "true")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("false", "2:3 secret `s` needs one of `file`, `environment`"),
        ("maybe", "3:15 invalid `external` in secret `s`: `maybe` is neither `true` nor `false`"),
        ("5", "3:15 `external` in secret `s` must be `true` or `false`, found a number"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("false", "true", "true")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("true", "3:5 `secrets.s.external` is not supported yet")]);
}
