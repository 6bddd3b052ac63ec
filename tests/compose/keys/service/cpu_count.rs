//! `services.*.cpu_count`: processors of Windows containers.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.cpu_count");

#[test]
fn forms() {
    KEY.prints(&[("2", "2"), ("'2'", "2"), ("0", ABSENT)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("-1", "3:16 invalid `cpu_count` in service `web`: -1 is negative"),
        ("2.5", "3:16 invalid `cpu_count` in service `web`: `2.5` is not a whole number"),
        ("a", "3:16 invalid `cpu_count` in service `web`: `a` is not a whole number"),
        ("true", "3:16 `cpu_count` in service `web` must be a whole number, found a boolean"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("1", "2", "2")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("2", "3:5 `services.web.cpu_count` has no effect: it is for Windows"), ("0", "")]);
}
