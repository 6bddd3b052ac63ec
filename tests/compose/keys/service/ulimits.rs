//! `services.*.ulimits`: limits of its processes.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.ulimits");

#[test]
fn forms() {
    KEY.prints(&[
        ("{nofile: 1024}", r#"{"nofile": 1024}"#),
        ("{nofile: {soft: 1, hard: 2}}", r#"{"nofile": {"hard": 2, "soft": 1}}"#),
        ("{nofile: '5', nproc: -1}", r#"{"nofile": 5, "nproc": -1}"#),
        ("{core: 0}", r#"{"core": {}}"#),
        ("{nofile: {soft: 0, hard: 0}}", r#"{"nofile": {}}"#),
        ("{NOFILE: 1}", r#"{"NOFILE": 1}"#),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("{nofile: {soft: 1}}", "3:15 `ulimits.nofile` of service `web` needs `hard`"),
        ("{nofile: a}", "3:23 invalid `ulimits.nofile` in service `web`: `a` is not a whole number"),
        ("{nofile: true}", "3:23 `ulimits.nofile` in service `web` must be a whole number, found a boolean"),
        ("{nofile: {soft: 1, hard: 2, foo: 3}}", "3:42 unknown key `foo` in `ulimits.nofile` of service `web`"),
        ("{nofile: [1]}", "3:23 `ulimits.nofile` in service `web` must be a whole number or a mapping, found a list"),
        ("[nofile]", "3:14 `ulimits` in service `web` must be a mapping, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[
        ("{nofile: 1, nproc: 1}", "{nofile: {soft: 2, hard: 3}}", r#"{"nofile": {"hard": 3, "soft": 2}, "nproc": 1}"#),
        ("{nofile: {soft: 1, hard: 2}}", "{nofile: {soft: 5, hard: 6}}", r#"{"nofile": {"hard": 6, "soft": 5}}"#),
        ("{nofile: {soft: 1, hard: 2}}", "{nofile: 7}", r#"{"nofile": 7}"#),
    ]);
}

#[test]
fn when_run() {
    KEY.runs(&[("{nofile: 1024}", ""),
        ("{nofile: {soft: 1, hard: -1}}", ""),
        ("{nofile: {soft: 2, hard: 1}}", "3:23 invalid `services.web.ulimits.nofile`: the soft limit is above the hard one: lower `soft` or raise `hard`"),]);
}
