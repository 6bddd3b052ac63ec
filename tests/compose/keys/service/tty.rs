//! `services.*.tty`: a terminal.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.tty");

#[test]
fn forms() {
    KEY.prints(&[("true", "true"), ("false", ABSENT), ("'true'", "true"), ("yes", "true"), ("'off'", ABSENT)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("1", "3:10 `tty` in service `web` must be `true` or `false`, found a number"),
        ("maybe", "3:10 invalid `tty` in service `web`: `maybe` is neither `true` nor `false`"),
        ("[true]", "3:10 `tty` in service `web` must be `true` or `false`, found a list"),
        ("null", "3:5 `tty` in service `web` must be `true` or `false`, found nothing"),
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
