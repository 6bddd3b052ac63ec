//! `services.*.build.dockerfile`: the Dockerfile, from the context.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.build.dockerfile").and("    init: true\n");

#[test]
fn forms() {
    KEY.prints(&[("My.dockerfile", "My.dockerfile"), ("../Dockerfile", "../Dockerfile"), ("/abs", "/abs")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("5", "4:19 `build.dockerfile` in service `web` must be a string, found a number"),
        ("[a]", "4:19 `build.dockerfile` in service `web` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("a", "b", "b")]);
}
