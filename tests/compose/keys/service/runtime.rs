//! `services.*.runtime`: the OCI runtime.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.runtime");

#[test]
fn forms() {
    KEY.prints(&[("runc", "runc")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("5", "3:14 `runtime` in service `web` must be a string, found a number"),
        ("[a]", "3:14 `runtime` in service `web` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("a", "b", "b")]);
}

#[test]
fn when_run() {
    // Whether there is one is for the machine to say.
    KEY.runs(&[("runc", ""), ("none", "")]);
}
