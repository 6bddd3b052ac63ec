//! `services.*.pull_refresh_after`: how old an image may be with `pull_policy: refresh`: in the schema only.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.pull_refresh_after");

#[test]
fn forms() {
    KEY.prints(&[("24h", ABSENT)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("5", "3:25 `pull_refresh_after` in service `web` must be a string, found a number"),
        ("[a]", "3:25 `pull_refresh_after` in service `web` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("1h", "2h", ABSENT)]);
}

#[test]
fn when_run() {
    KEY.runs(&[("24h", "3:5 `services.web.pull_refresh_after` has no effect: it goes with `pull_policy: refresh`")]);
}
