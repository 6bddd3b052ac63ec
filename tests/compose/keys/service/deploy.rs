//! `services.*.deploy`: how it is deployed.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.deploy");

#[test]
fn forms() {
    KEY.prints(&[
        ("{}", r#"{"placement": {}, "resources": {}}"#),
        ("null", ABSENT),
        ("{replicas: 2}", r#"{"placement": {}, "replicas": 2, "resources": {}}"#),
        ("{mode: global}", r#"{"mode": "global", "placement": {}, "resources": {}}"#),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("{foo: 1}", "3:14 unknown key `foo` in `deploy` of service `web`"),
        ("[a]", "3:13 `deploy` in service `web` must be a mapping, found a list"),
        ("5", "3:13 `deploy` in service `web` must be a mapping, found a number"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[
        ("{replicas: 2}", "{mode: global}", r#"{"mode": "global", "placement": {}, "replicas": 2, "resources": {}}"#),
        ("{replicas: 2}", "null", r#"{"placement": {}, "replicas": 2, "resources": {}}"#),
        ("{replicas: 2}", "!reset null", ABSENT),
    ]);
}

#[test]
fn when_run() {
    KEY.runs(&[
        ("{mode: global}", "3:20 `services.web.deploy.mode: global` has no effect: it is for swarms"),
        ("{}", ""),
    ]);
}
