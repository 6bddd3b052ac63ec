//! `services.*.dns_opt`: options of the resolver.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.dns_opt");

#[test]
fn forms() {
    KEY.prints(&[("['ndots:1']", r#"["ndots:1"]"#), ("[use-vc, no-tld-query]", r#"["use-vc", "no-tld-query"]"#)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("a", "3:14 `dns_opt` in service `web` must be a list, found a string"),
        ("[5]", "3:15 `dns_opt` in service `web` must be a string, found a number"),
        ("{a: b}", "3:14 `dns_opt` in service `web` must be a list, found a mapping"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("[a]", "[b, a]", r#"["a", "b"]"#)]);
}

#[test]
fn when_run() {
    KEY.runs(&[("['ndots:1']", "")]);
}
