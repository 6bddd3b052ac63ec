//! `services.*.deploy.labels`: labels of a service of a swarm.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.deploy.labels");

#[test]
fn forms() {
    KEY.prints(&[
        ("{a: b, n: 1.5, e: }", r#"{"a": "b", "e": "", "n": "1.5"}"#),
        ("[a=b, c]", r#"{"a": "b", "c": ""}"#),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("{a: [1]}", "4:19 `deploy.labels.a` in service `web` must be a string, number or boolean, found a list"),
        ("[5]", "4:16 `deploy.labels` in service `web` must be a string, found a number"),
        ("5", "4:15 `deploy.labels` in service `web` must be a mapping or a list, found a number"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("{a: 1, b: 2}", "[b=3]", r#"{"a": "1", "b": "3"}"#)]);
}

#[test]
fn when_run() {
    KEY.runs(&[("{a: b, n: 1.5, e: }", "4:7 `services.web.deploy.labels` has no effect: it is for swarms")]);
}
