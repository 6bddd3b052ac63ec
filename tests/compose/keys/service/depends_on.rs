//! `services.*.depends_on`: what is started before, and until when.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.depends_on").and("  db: {image: x}\n  cache: {image: x}\n");

#[test]
fn forms() {
    KEY.prints(&[
        ("[db]", r#"{"db": {"condition": "service_started", "required": true}}"#),
        ("{db: {condition: service_healthy}}", r#"{"db": {"condition": "service_healthy", "required": true}}"#),
        ("{db: {condition: service_completed_successfully, restart: true, required: false}}", r#"{"db": {"condition": "service_completed_successfully", "required": false, "restart": true}}"#),
        ("[db, cache]", r#"{"cache": {"condition": "service_started", "required": true}, "db": {"condition": "service_started", "required": true}}"#),
        ("{}", ABSENT),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("{db: {restart: true}}", "3:18 `depends_on.db` of service `web` needs `condition`"),
        ("{db: {condition: started}}", "3:34 invalid `depends_on.db.condition` in service `web`: must be `service_started`, `service_healthy` or `service_completed_successfully`"),
        ("{db: }", "3:18 `depends_on.db` in service `web` must be a mapping, found nothing"),
        ("[none]", "3:18 service `web` refers to undefined service `none`"),
        ("{none: {condition: service_started, required: false}}", "3:18 service `web` refers to undefined service `none`"),
        ("[db, db]", "3:22 `db` stands twice in `depends_on` in service `web`"),
        ("[web]", "3:18 dependency cycle: web -> web"),
        ("{db: {condition: service_started, foo: 1}}", "3:51 unknown key `foo` in `depends_on.db` of service `web`"),
        ("db", "3:17 `depends_on` in service `web` must be a list or a mapping, found a string"),
        ("[5]", "3:18 `depends_on` in service `web` must be a string, found a number"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[
        ("[db]", "{db: {condition: service_healthy}}", r#"{"db": {"condition": "service_healthy", "required": true}}"#),
        ("{db: {condition: service_healthy, restart: true}}", "{db: {condition: service_started}}", r#"{"db": {"condition": "service_started", "required": true, "restart": true}}"#),
        ("[db]", "[cache]", r#"{"cache": {"condition": "service_started", "required": true}, "db": {"condition": "service_started", "required": true}}"#),
        ("{db: {condition: service_healthy, required: false}}", "{db: {condition: service_started}}", r#"{"db": {"condition": "service_started", "required": false}}"#),
        ("{db: {condition: service_healthy, required: false}}", "[db]", r#"{"db": {"condition": "service_started", "required": true}}"#),
        ("[db]", "!override [cache]", r#"{"cache": {"condition": "service_started", "required": true}}"#),
        ("[db]", "!reset []", ABSENT),
    ]);
}

#[test]
fn when_run() {
    KEY.runs(&[("[db]", "")]);
}
