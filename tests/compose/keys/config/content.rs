//! `configs.*.content`: the text that it is.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("configs.c.content");

#[test]
fn forms() {
    KEY.prints(&[("a", "a"), ("'$$x ${SET}'", "$$x set"), ("''", ABSENT)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("5", "3:14 `content` in config `c` must be a string, found a number"),
        ("[a]", "3:14 `content` in config `c` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("a", "b", "b")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("a", "")]);
}
