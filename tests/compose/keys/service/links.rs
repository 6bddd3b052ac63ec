//! `services.*.links`: services by other names; they are depended on.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.links").and("  db: {image: x}\n");

#[test]
fn forms() {
    KEY.prints(&[("[db]", r#"["db"]"#), ("['db:database']", r#"["db:database"]"#)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("[none]", "3:13 service `web` refers to undefined service `none`"),
        ("[5]", "3:13 `links` in service `web` must be a string, found a number"),
        ("db", "3:12 `links` in service `web` must be a list, found a string"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("[db]", "['db:x']", r#"["db", "db:x"]"#), ("[db]", "[db]", r#"["db"]"#)]);
}

#[test]
fn when_run() {
    KEY.runs(&[("[db]", "")]);
}
