//! `services.*.deploy.mode`: replicas, or one for each node of a swarm.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.deploy.mode");

#[test]
fn forms() {
    KEY.prints(&[("replicated", "replicated"), ("global", "global"), ("replicated-job", "replicated-job")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("5", "4:13 `deploy.mode` in service `web` must be a string, found a number"),
        ("[a]", "4:13 `deploy.mode` in service `web` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("replicated", "global", "global")]);
}

#[test]
fn when_run() {
    KEY.runs(&[
        ("global", "4:13 `services.web.deploy.mode: global` has no effect: it is for swarms"),
        ("replicated-job", "4:13 `services.web.deploy.mode: replicated-job` has no effect: it is for swarms"),
        ("replicated", ""),
    ]);
}
