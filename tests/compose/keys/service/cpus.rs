//! `services.*.cpus`: how many processors' worth of time.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.cpus");

#[test]
fn forms() {
    KEY.prints(&[
        ("0.5", "0.5"),
        ("2", "2"),
        ("'1.5'", "1.5"),
        ("2.0", "2"),
        ("0", ABSENT),
        ("0.333333333", "0.33333334"),
        ("1e1", "10"),
        (".5", "0.5"),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("many", "3:11 invalid `cpus` in service `web`: `many` is not a number"),
        ("true", "3:11 `cpus` in service `web` must be a number, found a boolean"),
        (".nan", "3:11 invalid `cpus` in service `web`: `.nan` is not a number"),
        ("[1]", "3:11 `cpus` in service `web` must be a number, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("1", "2", "2")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("0.5", "")]);
}
