//! `services.*.cpu_percent`: share of the processors of Windows containers.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.cpu_percent");

#[test]
fn forms() {
    KEY.prints(&[("50", "50"), ("'50'", "50"), ("0", ABSENT), ("100", "100")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("101", "3:18 invalid `cpu_percent` in service `web`: 101 is not between 0 and 100"),
        ("-1", "3:18 invalid `cpu_percent` in service `web`: -1 is not between 0 and 100"),
        ("50.5", "3:18 invalid `cpu_percent` in service `web`: `50.5` is not a whole number"),
        ("a", "3:18 invalid `cpu_percent` in service `web`: `a` is not a whole number"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("1", "2", "2")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("50", "3:5 `services.web.cpu_percent` has no effect: it is for Windows"), ("0", "")]);
}
