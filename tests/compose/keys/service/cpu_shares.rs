//! `services.*.cpu_shares`: weight among those who want time.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.cpu_shares");

#[test]
fn forms() {
    KEY.prints(&[("512", "512"), ("'512'", "512"), ("0", ABSENT)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("a", "3:17 invalid `cpu_shares` in service `web`: `a` is not a whole number"),
        ("true", "3:17 `cpu_shares` in service `web` must be a whole number, found a boolean"),
        ("[1]", "3:17 `cpu_shares` in service `web` must be a whole number, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("1", "2", "2")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("512", "")]);
}
