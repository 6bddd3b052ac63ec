//! `services.*.pid`: the process namespace.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.pid").and("  db: {image: x}\n");

#[test]
fn forms() {
    KEY.prints(&[
        ("host", "host"),
        ("service:db", "service:db"),
        ("container:x", "container:x"),
        // Docker Compose 2.40.3 breaks down.
        ("null", ABSENT),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("service:none", "3:18 service `web` refers to undefined service `none`"),
        ("5", "3:10 `pid` in service `web` must be a string, found a number"),
        ("[a]", "3:10 `pid` in service `web` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("host", "service:db", "service:db")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("host", ""), ("null", "")]);
}
