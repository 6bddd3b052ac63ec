//! `services.*.cgroup`: the cgroup namespace.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.cgroup");

#[test]
fn forms() {
    KEY.prints(&[("host", "host"), ("private", "private")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("other", "3:13 invalid `cgroup` in service `web`: must be `host` or `private`"),
        ("5", "3:13 `cgroup` in service `web` must be `host` or `private`, found a number"),
        ("[host]", "3:13 `cgroup` in service `web` must be `host` or `private`, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("host", "private", "private")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("host", ""), ("private", "")]);
}
