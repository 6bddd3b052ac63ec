//! `services.*.scale`: how many containers.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.scale");

#[test]
fn forms() {
    KEY.prints(&[("0", "0"), ("3", "3"), ("'3'", "3"), ("2.0", "2"), ("1e1", "10")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("2.5", "3:12 invalid `scale` in service `web`: `2.5` is not a whole number"),
        ("-1", "3:12 invalid `scale` in service `web`: must be 0 or more"),
        ("'2.0'", "3:13 invalid `scale` in service `web`: `2.0` is not a whole number"),
        ("true", "3:12 `scale` in service `web` must be a whole number, found a boolean"),
        ("a", "3:12 invalid `scale` in service `web`: `a` is not a whole number"),
        ("[1]", "3:12 `scale` in service `web` must be a whole number, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("1", "2", "2"), ("2", "null", "2")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("0", "")]);
}
