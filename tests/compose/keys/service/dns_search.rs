//! `services.*.dns_search`: search domains.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.dns_search");

#[test]
fn forms() {
    KEY.prints(&[("example.org", r#"["example.org"]"#), ("[a, b]", r#"["a", "b"]"#), ("[]", ABSENT)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("[5]", "3:18 `dns_search` in service `web` must be a string, found a number"),
        ("5", "3:17 `dns_search` in service `web` must be a string, found a number"),
        ("{a: b}", "3:17 `dns_search` in service `web` must be a string or a list, found a mapping"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("a", "[a, b]", r#"["a", "b"]"#)]);
}

#[test]
fn when_run() {
    KEY.runs(&[("example.org", "")]);
}
