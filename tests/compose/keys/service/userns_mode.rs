//! `services.*.userns_mode`: the user namespace.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.userns_mode");

#[test]
fn forms() {
    KEY.prints(&[("host", "host")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("5", "3:18 `userns_mode` in service `web` must be a string, found a number"),
        ("[a]", "3:18 `userns_mode` in service `web` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("host", "!reset null", ABSENT)]);
}

#[test]
fn when_run() {
    KEY.runs(&[("host", ""), ("auto", "")]);
}
