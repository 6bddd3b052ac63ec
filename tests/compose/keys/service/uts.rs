//! `services.*.uts`: the UTS namespace.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.uts");

#[test]
fn forms() {
    KEY.prints(&[("host", "host")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("5", "3:10 `uts` in service `web` must be a string, found a number"),
        ("[a]", "3:10 `uts` in service `web` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("host", "!reset null", ABSENT)]);
}

#[test]
fn when_run() {
    KEY.runs(&[
        ("host", ""),
        ("own", "3:10 invalid `services.web.uts: own`: must be `host`, or left out for a host name of its own"),
    ]);
}
