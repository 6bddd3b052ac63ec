//! `services.*.build.context`: the directory that is sent to the build.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.build.context").and("    init: true\n");

#[test]
fn forms() {
    KEY.prints(&[
        (".", "/shop"),
        ("./dir", "/shop/dir"),
        ("/abs/dir", "/abs/dir"),
        ("~/x", "/root/x"),
        ("../up", "/up"),
        ("git@github.com:a/b", "git@github.com:a/b"),
        ("https://example.org/a.tgz", "https://example.org/a.tgz"),
        ("github.com/a/b", "github.com/a/b"),
        ("''", ABSENT),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("5", "4:16 `build.context` in service `web` must be a string, found a number"),
        ("[a]", "4:16 `build.context` in service `web` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("a", "b", "/shop/b")]);
}
