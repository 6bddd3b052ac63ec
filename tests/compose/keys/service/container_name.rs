//! `services.*.container_name`: the name of the one container.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.container_name");

#[test]
fn forms() {
    KEY.prints(&[("web-1", "web-1"), ("a.b_c", "a.b_c"), (r#""42""#, r#""42""#)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("a", "3:21 invalid `container_name` in service `web`: must be two or more letters, digits, `_`, `.` or `-`, a letter or digit first"),
        // Docker Compose 2.40.3 takes it.
        ("-ab", "3:21 invalid `container_name` in service `web`: must be two or more letters, digits, `_`, `.` or `-`, a letter or digit first"),
        ("'a b'", "3:21 invalid `container_name` in service `web`: must be two or more letters, digits, `_`, `.` or `-`, a letter or digit first"),
        ("42", "3:21 `container_name` in service `web` must be a string, found a number"),
        ("[ab]", "3:21 `container_name` in service `web` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("ab", "cd", "cd")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("web-1", "")]);
}
