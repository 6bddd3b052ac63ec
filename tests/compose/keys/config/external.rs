//! `configs.*.external`: made by others.

use crate::keys::Key;

const KEY: Key = Key::new("configs.c.external");

#[test]
fn forms() {
    KEY.prints(&[("true", "true"), ("'yes'", "true"), ("{name: corp}", "true")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        // Docker Compose 2.40.3 takes it.
        ("false", "2:3 config `c` needs one of `file`, `environment`, `content`"),
        ("maybe", "3:15 invalid `external` in config `c`: `maybe` is neither `true` nor `false`"),
        ("5", "3:15 `external` in config `c` must be `true` or `false`, found a number"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("false", "true", "true")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("true", "3:5 `configs.c.external` is not supported yet")]);
}
