//! `services.*.deploy.placement`: where in a swarm.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.deploy.placement");

#[test]
fn forms() {
    KEY.prints(&[
        (
            "{constraints: [a==b], preferences: [{spread: node.labels.x}], max_replicas_per_node: 2}",
            r#"{"constraints": ["a==b"], "max_replicas_per_node": 2, "preferences": [{"spread": "node.labels.x"}]}"#,
        ),
        ("{}", "{}"),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("{constraints: a}", "4:32 `deploy.placement.constraints` in service `web` must be a list, found a string"),
        (
            "{preferences: [a]}",
            "4:33 `deploy.placement.preferences` in service `web` must be a mapping, found a string",
        ),
        (
            "{max_replicas_per_node: a}",
            "4:42 invalid `deploy.placement.max_replicas_per_node` in service `web`: `a` is not a whole number",
        ),
        ("{foo: 1}", "4:19 unknown key `foo` in `deploy.placement` of service `web`"),
        ("a", "4:18 `deploy.placement` in service `web` must be a mapping, found a string"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("{constraints: [a]}", "{constraints: [b]}", r#"{"constraints": ["a", "b"]}"#)]);
}

#[test]
fn when_run() {
    KEY.runs(&[
        (
            "{constraints: [a==b], preferences: [{spread: node.labels.x}], max_replicas_per_node: 2}",
            "4:7 `services.web.deploy.placement` has no effect: it is for swarms",
        ),
        ("{}", ""),
    ]);
}
