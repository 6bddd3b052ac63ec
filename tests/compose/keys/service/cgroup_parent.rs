//! `services.*.cgroup_parent`: the cgroup above its own.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.cgroup_parent");

#[test]
fn forms() {
    KEY.prints(&[("m-abc", "m-abc")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("5", "3:20 `cgroup_parent` in service `web` must be a string, found a number"),
        ("[a]", "3:20 `cgroup_parent` in service `web` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("a", "b", "b")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("m-abc", "")]);
}
