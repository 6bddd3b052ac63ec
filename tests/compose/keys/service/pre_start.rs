//! `services.*.pre_start`: what runs in containers of its own before the first one starts; newer than 2.40.3.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.pre_start");

#[test]
fn forms() {
    KEY.prints(&[
        ("[{command: a b}]", r#"[{"command": ["a", "b"]}]"#),
        ("[{command: [a], image: x, user: root, privileged: true, working_dir: /x, environment: {A: 1}, per_replica: false}]", r#"[{"command": ["a"], "environment": {"A": "1"}, "image": "x", "privileged": true, "user": "root", "working_dir": "/x"}]"#),
        ("[]", ABSENT),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("[{command: 5}]", "3:27 `pre_start.command` in service `web` must be a string, found a number"),
        ("[{foo: 1}]", "3:18 unknown key `foo` in `pre_start` of service `web`"),
        ("[a]", "3:17 `pre_start` in service `web` must be a mapping, found a string"),
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
