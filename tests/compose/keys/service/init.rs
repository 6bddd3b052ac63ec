//! `services.*.init`: a first process that reaps.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.init");

#[test]
fn forms() {
    KEY.prints(&[("true", "true"), ("false", "false"), ("y", "true"), ("'false'", "false")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("1", "3:11 `init` in service `web` must be `true` or `false`, found a number"),
        ("maybe", "3:11 invalid `init` in service `web`: `maybe` is neither `true` nor `false`"),
        ("[true]", "3:11 `init` in service `web` must be `true` or `false`, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("true", "false", "false"), ("true", "!reset null", ABSENT)]);
}

#[test]
fn when_run() {
    KEY.runs(&[("true", "")]);
}
