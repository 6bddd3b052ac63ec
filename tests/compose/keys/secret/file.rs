//! `secrets.*.file`: the file that it is.

use crate::keys::Key;

const KEY: Key = Key::new("secrets.s.file");

#[test]
fn forms() {
    KEY.prints(&[("x", "/shop/x"), ("./x/../y", "/shop/y"), ("/abs", "/abs"), ("~/x", "/root/x")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("5", "3:11 `file` in secret `s` must be a string, found a number"),
        ("[a]", "3:11 `file` in secret `s` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("a", "b", "/shop/b")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("x", "")]);
}
