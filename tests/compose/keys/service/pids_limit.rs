//! `services.*.pids_limit`: the most processes.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.pids_limit");

#[test]
fn forms() {
    KEY.prints(&[("100", "100"), ("'100'", "100"), ("-1", "-1"), ("0", ABSENT)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("a", "3:17 invalid `pids_limit` in service `web`: `a` is not a whole number"),
        // Docker Compose 2.40.3 takes it.
        ("1.5", "3:17 invalid `pids_limit` in service `web`: `1.5` is not a whole number"),
        ("true", "3:17 `pids_limit` in service `web` must be a whole number, found a boolean"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("1", "2", "2")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("100", "")]);
}
