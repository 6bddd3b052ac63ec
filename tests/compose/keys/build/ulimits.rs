//! `services.*.build.ulimits`: limits of the build.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.build.ulimits").and("    init: true\n");

#[test]
fn forms() {
    KEY.prints(&[
        ("{nofile: 1024}", r#"{"nofile": 1024}"#),
        ("{nofile: {soft: 1, hard: 2}}", r#"{"nofile": {"hard": 2, "soft": 1}}"#),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("{nofile: {soft: 1}}", "4:17 `build.ulimits.nofile` of service `web` needs `hard`"),
        ("{nofile: a}", "4:25 invalid `build.ulimits.nofile` in service `web`: `a` is not a whole number"),
        ("[a]", "4:16 `build.ulimits` in service `web` must be a mapping, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[
        ("{nofile: 1}", "{nproc: 2}", r#"{"nofile": 1, "nproc": 2}"#),
        ("{nofile: 1}", "{nofile: {soft: 2, hard: 3}}", r#"{"nofile": {"hard": 3, "soft": 2}}"#),
    ]);
}

#[test]
fn never_merged() {
    KEY.refuses_to_merge(&[(
        "{nofile: {soft: 2, hard: 3}}",
        "{nofile: 1}",
        "compose.override.yaml:4:25 cannot override a mapping with a number",
    )]);
}
