//! `services.*.cpuset`: the processors it may use.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.cpuset");

#[test]
fn forms() {
    KEY.prints(&[("0-3", "0-3"), ("'0,1'", "0,1"), ("'0'", r#""0""#)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("0", "3:13 `cpuset` in service `web` must be a string, found a number"),
        ("[0]", "3:13 `cpuset` in service `web` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("0-1", "2-3", "2-3")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("0-3", "")]);
}
