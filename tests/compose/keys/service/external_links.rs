//! `services.*.external_links`: containers of other projects by name.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.external_links");

#[test]
fn forms() {
    KEY.prints(&[("[a]", r#"["a"]"#), ("['a:b']", r#"["a:b"]"#)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("[5]", "3:22 `external_links` in service `web` must be a string, found a number"),
        ("a", "3:21 `external_links` in service `web` must be a list, found a string"),
        ("[a, a]", "3:25 `a` stands twice in `external_links` in service `web`"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("[a]", "[b]", r#"["a", "b"]"#)]);
}

#[test]
fn when_run() {
    KEY.runs(&[("[a]", "")]);
}
