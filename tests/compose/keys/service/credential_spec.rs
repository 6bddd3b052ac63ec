//! `services.*.credential_spec`: credentials of Windows services.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.credential_spec");

#[test]
fn forms() {
    KEY.prints(&[
        ("{file: a.json}", r#"{"file": "a.json"}"#),
        ("{config: c}", r#"{"config": "c"}"#),
        ("{registry: r}", r#"{"registry": "r"}"#),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("{foo: a}", "3:23 unknown key `foo` in `credential_spec` of service `web`"),
        ("{file: 5}", "3:29 `credential_spec.file` in service `web` must be a string, found a number"),
        ("a", "3:22 `credential_spec` in service `web` must be a mapping, found a string"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("{file: a}", "{file: b}", r#"{"file": "b"}"#)]);
}

#[test]
fn when_run() {
    KEY.runs(&[("{file: a.json}", "3:5 `services.web.credential_spec` has no effect: it is for Windows")]);
}
