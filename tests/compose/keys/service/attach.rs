//! `services.*.attach`: whether `up` follows the log.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.attach");

#[test]
fn forms() {
    KEY.prints(&[("true", "true"), ("false", "false"), ("'false'", "false"), ("no", "false"), ("on", "true")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("1", "3:13 `attach` in service `web` must be `true` or `false`, found a number"),
        ("maybe", "3:13 invalid `attach` in service `web`: `maybe` is neither `true` nor `false`"),
        ("[true]", "3:13 `attach` in service `web` must be `true` or `false`, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("true", "false", "false"), ("false", "null", "false")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("true", "")]);
}
