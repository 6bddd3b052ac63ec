//! `configs.*.environment`: the variable that it is.

use crate::keys::Key;

const KEY: Key = Key::new("configs.c.environment");

#[test]
fn forms() {
    KEY.prints(&[("SET", "SET"), ("UNSET", "UNSET")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("5", "3:18 `environment` in config `c` must be a string, found a number"),
        ("[a]", "3:18 `environment` in config `c` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("A", "B", "B")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("SET", "")]);
}
