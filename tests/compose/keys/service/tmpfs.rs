//! `services.*.tmpfs`: filesystems in memory.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.tmpfs");

#[test]
fn forms() {
    KEY.prints(&[
        ("/run", r#"["/run"]"#),
        ("[/run, /tmp]", r#"["/run", "/tmp"]"#),
        ("'/run:size=64m,mode=1777,uid=7'", r#"["/run:size=64m,mode=1777,uid=7"]"#),
        ("[]", ABSENT),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("[5]", "3:13 `tmpfs` in service `web` must be a string, found a number"),
        ("5", "3:12 `tmpfs` in service `web` must be a string, found a number"),
        ("{a: b}", "3:12 `tmpfs` in service `web` must be a string or a list, found a mapping"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[
        ("/a", "[/b, /a]", r#"["/a", "/b"]"#),
        // Docker Compose 2.40.3 refuses it.
        ("/a", "'/a:size=1m'", r#"["/a:size=1m"]"#),
        ("/a", "!override /b", r#"["/b"]"#),
    ]);
}

#[test]
fn when_run() {
    KEY.runs(&[("/run", "")]);
}
