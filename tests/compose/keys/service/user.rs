//! `services.*.user`: the user and group of the command.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.user");

#[test]
fn forms() {
    KEY.prints(&[
        ("app", "app"),
        (r#""1000""#, r#""1000""#),
        (r#""1000:1000""#, "1000:1000"),
        ("1000:1000", "1000:1000"),
        ("${SET}", "set"),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("1000", "3:11 `user` in service `web` must be a string, found a number"),
        ("true", "3:11 `user` in service `web` must be a string, found a boolean"),
        ("[a]", "3:11 `user` in service `web` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("a", "b", "b"), ("a", "!reset null", ABSENT)]);
}

#[test]
fn when_run() {
    KEY.runs(&[("app", "")]);
}
