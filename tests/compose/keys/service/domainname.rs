//! `services.*.domainname`: the domain of the container for itself.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.domainname");

#[test]
fn forms() {
    KEY.prints(&[("example.org", "example.org")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("5", "3:17 `domainname` in service `web` must be a string, found a number"),
        ("[a]", "3:17 `domainname` in service `web` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("a", "b", "b")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("example.org", "")]);
}
