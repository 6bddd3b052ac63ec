//! `services.*.hostname`: the name of the container for itself.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.hostname");

#[test]
fn forms() {
    KEY.prints(&[("web", "web"), ("a.example", "a.example"), ("'1'", r#""1""#)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("1", "3:15 `hostname` in service `web` must be a string, found a number"),
        ("[a]", "3:15 `hostname` in service `web` must be a string, found a list"),
        ("null", "3:5 `hostname` in service `web` must be a string, found nothing"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("a", "b", "b"), ("a", r#""""#, ABSENT)]);
}

#[test]
fn when_run() {
    KEY.runs(&[("web", "")]);
}
