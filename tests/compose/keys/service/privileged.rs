//! `services.*.privileged`: all rights.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.privileged");

#[test]
fn forms() {
    KEY.prints(&[("true", "true"), ("false", ABSENT), ("'true'", "true"), ("yes", "true"), ("'off'", ABSENT)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("1", "3:17 `privileged` in service `web` must be `true` or `false`, found a number"),
        ("maybe", "3:17 invalid `privileged` in service `web`: `maybe` is neither `true` nor `false`"),
        ("[true]", "3:17 `privileged` in service `web` must be `true` or `false`, found a list"),
        ("null", "3:5 `privileged` in service `web` must be `true` or `false`, found nothing"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("true", "false", ABSENT), ("true", "null", "true")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("true", ""), ("false", "")]);
}
