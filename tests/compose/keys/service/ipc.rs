//! `services.*.ipc`: the IPC namespace.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.ipc").and("  db: {image: x}\n");

#[test]
fn forms() {
    KEY.prints(&[
        ("host", "host"),
        ("private", "private"),
        ("shareable", "shareable"),
        ("none", "none"),
        ("service:db", "service:db"),
        ("container:x", "container:x"),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("service:none", "3:18 service `web` refers to undefined service `none`"),
        ("5", "3:10 `ipc` in service `web` must be a string, found a number"),
        ("[a]", "3:10 `ipc` in service `web` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("host", "private", "private")]);
}

#[test]
fn when_run() {
    KEY.runs(&[
        ("host", ""),
        ("none", ""),
        (
            "service:db",
            "3:5 invalid `services.web.ipc`: that service keeps its IPC namespace to itself: give it `ipc: shareable`",
        ),
        ("container:x", ""),
        ("private", ""),
    ]);
}
