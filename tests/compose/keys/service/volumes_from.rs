//! `services.*.volumes_from`: the mounts of others; services are depended on.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.volumes_from").and("  db: {image: x}\n");

#[test]
fn forms() {
    KEY.prints(&[("[db]", r#"["db"]"#), ("['db:ro']", r#"["db:ro"]"#), ("['container:x']", r#"["container:x"]"#)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("[none]", "3:20 service `web` refers to undefined service `none`"),
        ("[db, db]", "3:24 `db` stands twice in `volumes_from` in service `web`"),
        ("[5]", "3:20 `volumes_from` in service `web` must be a string, found a number"),
        ("db", "3:19 `volumes_from` in service `web` must be a list, found a string"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[
        ("[db]", "['container:x']", r#"["db", "container:x"]"#),
        // Docker Compose 2.40.3 refuses it.
        ("[db]", "[db]", r#"["db"]"#),
    ]);
}

#[test]
fn when_run() {
    KEY.runs(&[("[db, 'db:ro', 'container:x:rw']", ""),
        ("['db:no']", "3:20 invalid `services.web.volumes_from[0]: db:no`: must be `SERVICE` or `container:NAME`, with `:ro` or `:rw` after it or nothing"),]);
}
