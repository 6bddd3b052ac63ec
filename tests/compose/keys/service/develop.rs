//! `services.*.develop`: what `watch` does.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.develop");

#[test]
fn forms() {
    KEY.prints(&[
        ("{watch: [{path: ./src, action: rebuild}]}", r#"{"watch": [{"action": "rebuild", "exec": {"command": null}, "path": "/shop/src"}]}"#),
        ("{watch: [{path: /abs, action: sync, target: /app, ignore: node_modules, include: [a, b], initial_sync: true}]}", r#"{"watch": [{"action": "sync", "exec": {"command": null}, "ignore": ["node_modules"], "include": ["a", "b"], "initial_sync": true, "path": "/abs", "target": "/app"}]}"#),
        ("{watch: [{path: ., action: sync+exec, target: /app, exec: {command: make all}}]}", r#"{"watch": [{"action": "sync+exec", "exec": {"command": ["make", "all"]}, "path": "/shop", "target": "/app"}]}"#),
        ("{watch: [{path: ., action: restart}]}", r#"{"watch": [{"action": "restart", "exec": {"command": null}, "path": "/shop"}]}"#),
        ("{watch: []}", "{}"),
        ("{}", "{}"),
        ("null", ABSENT),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("{watch: [{path: ., action: sync}]}", "3:41 invalid `develop.watch` in service `web`: `sync` needs a `target`: where in the container?"),
        ("{watch: [{action: rebuild}]}", "3:23 `develop.watch` of service `web` needs `path`"),
        ("{watch: [{path: .}]}", "3:23 `develop.watch` of service `web` needs `action`"),
        ("{watch: [{path: '', action: rebuild}]}", "3:30 invalid `develop.watch.path` in service `web`: may not be empty"),
        ("{watch: [{path: ., action: dance}]}", "3:41 invalid `develop.watch.action` in service `web`: must be `rebuild`, `restart`, `sync`, `sync+exec` or `sync+restart`"),
        ("{watch: [{path: ., action: rebuild, foo: 1}]}", "3:50 unknown key `foo` in `develop.watch` of service `web`"),
        ("{watch: a}", "3:22 `develop.watch` in service `web` must be a list, found a string"),
        ("[a]", "3:14 `develop` in service `web` must be a mapping, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[
        ("{watch: [{path: a, action: rebuild}]}", "{watch: [{path: b, action: restart}]}", r#"{"watch": [{"action": "rebuild", "exec": {"command": null}, "path": "/shop/a"}, {"action": "restart", "exec": {"command": null}, "path": "/shop/b"}]}"#),
    ]);
}

#[test]
fn when_run() {
    KEY.runs(&[("{watch: [{path: ./src, action: rebuild}]}", ""), ("{watch: []}", "")]);
}
