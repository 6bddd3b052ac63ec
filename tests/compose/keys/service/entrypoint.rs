//! `services.*.entrypoint`: the program, instead of the image's.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.entrypoint");

#[test]
fn forms() {
    KEY.prints(&[
        ("a b", r#"["a", "b"]"#),
        ("[a, 'b c']", r#"["a", "b c"]"#),
        ("[]", "[]"),
        (r#""""#, "[]"),
        ("null", "null"),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("'a", "4:5 broken YAML: invalid indentation in multiline quoted scalar"),
        ("5", "3:17 `entrypoint` in service `web` must be a string, found a number"),
        ("[5]", "3:18 `entrypoint` in service `web` must be a string, found a number"),
        ("{a: b}", "3:17 `entrypoint` in service `web` must be a string or a list, found a mapping"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("a b", "[c]", r#"["c"]"#), ("a", "null", "null"), ("[a]", "!reset []", "null")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("a b", "")]);
}
