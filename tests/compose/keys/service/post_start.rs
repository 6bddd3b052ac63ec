//! `services.*.post_start`: what runs in the container once it has started.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.post_start");

#[test]
fn forms() {
    KEY.prints(&[
        ("[{command: a b}]", r#"[{"command": ["a", "b"]}]"#),
        ("[{command: [a, b], user: root, privileged: true, working_dir: /x, environment: {A: 1}}]", r#"[{"command": ["a", "b"], "environment": {"A": "1"}, "privileged": true, "user": "root", "working_dir": "/x"}]"#),
        ("[{command: a, environment: [SET, B=$$x]}]", r#"[{"command": ["a"], "environment": {"B": "$$x", "SET": null}}]"#),
        ("[]", ABSENT),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("[{user: root}]", "3:18 `post_start` of service `web` needs `command`"),
        ("[{command: 5}]", "3:28 `post_start.command` in service `web` must be a string, found a number"),
        ("[{command: a, foo: 1}]", "3:31 unknown key `foo` in `post_start` of service `web`"),
        ("[a]", "3:18 `post_start` in service `web` must be a mapping, found a string"),
        ("a", "3:17 `post_start` in service `web` must be a list, found a string"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("[{command: a}]", "[{command: b}]", r#"[{"command": ["a"]}, {"command": ["b"]}]"#)]);
}

#[test]
fn when_run() {
    KEY.runs(&[("[{command: a b}]", ""), ("[]", "")]);
}
