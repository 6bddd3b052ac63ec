//! `services.*.network_mode`: another way to have a network.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.network_mode").and("  db: {image: x}\n");

#[test]
fn forms() {
    KEY.prints(&[
        ("none", "none"),
        ("host", "host"),
        ("bridge", "bridge"),
        ("service:db", "service:db"),
        ("container:x", "container:x"),
        ("brigde", "brigde"),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("service:none", "3:27 service `web` refers to undefined service `none`"),
        ("service:web", "3:27 dependency cycle: web -> web"),
        ("5", "3:19 `network_mode` in service `web` must be a string, found a number"),
        ("[host]", "3:19 `network_mode` in service `web` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("none", "host", "host"), ("none", "!reset null", ABSENT)]);
}

#[test]
fn when_run() {
    KEY.runs(&[("bridge", ""), ("service:db", ""), ("container:x", ""), ("brigde", ""), ("none", "")]);
}
