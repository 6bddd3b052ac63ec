//! `services.*.deploy.replicas`: how many containers.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.deploy.replicas");

#[test]
fn forms() {
    KEY.prints(&[("0", "0"), ("3", "3"), ("'3'", "3")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("-1", "4:17 invalid `deploy.replicas` in service `web`: must be 0 or more"),
        ("2.5", "4:17 invalid `deploy.replicas` in service `web`: `2.5` is not a whole number"),
        ("a", "4:17 invalid `deploy.replicas` in service `web`: `a` is not a whole number"),
        ("[1]", "4:17 `deploy.replicas` in service `web` must be a whole number, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("1", "2", "2")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("0", "")]);
}
