//! `services.*.dns`: name servers.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.dns");

#[test]
fn forms() {
    KEY.prints(&[
        ("1.1.1.1", r#"["1.1.1.1"]"#),
        ("[1.1.1.1, 8.8.8.8]", r#"["1.1.1.1", "8.8.8.8"]"#),
        ("''", ABSENT),
        ("[a, a]", r#"["a"]"#),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("[5]", "3:11 `dns` in service `web` must be a string, found a number"),
        ("5", "3:10 `dns` in service `web` must be a string, found a number"),
        ("{a: b}", "3:10 `dns` in service `web` must be a string or a list, found a mapping"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[
        ("1.1.1.1", "[1.1.1.1, 8.8.8.8]", r#"["1.1.1.1", "8.8.8.8"]"#),
        ("1.1.1.1", "!override 9.9.9.9", r#"["9.9.9.9"]"#),
    ]);
}

#[test]
fn when_run() {
    KEY.runs(&[("[a, a]", "3:14 invalid `dns` in service `web`: `a` is not an IP address"), ("1.1.1.1", "")]);
}
