//! `services.*.provider`: a program that has its own way to run the service.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.provider").and("    init: true\n");

#[test]
fn forms() {
    KEY.prints(&[
        ("{type: awesome}", r#"{"type": "awesome"}"#),
        (
            "{type: awesome, options: {a: b, n: 5, l: [c, 1.10], t: true}}",
            r#"{"options": {"a": ["b"], "l": ["c", "1.1"], "n": ["5"], "t": ["true"]}, "type": "awesome"}"#,
        ),
        ("{type: awesome, options: {}}", r#"{"type": "awesome"}"#),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("{options: {a: b}}", "3:5 `provider` of service `web` needs `type`"),
        ("{type: 5}", "3:22 `provider.type` in service `web` must be a string, found a number"),
        (
            "{type: a, options: {a: {b: c}}}",
            "3:38 `provider.options.a` in service `web` must be a string, number or boolean or a list, found a mapping",
        ),
        ("{type: a, foo: 1}", "3:25 unknown key `foo` in `provider` of service `web`"),
        ("awesome", "3:15 `provider` in service `web` must be a mapping, found a string"),
        ("[a]", "3:15 `provider` in service `web` must be a mapping, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[
        ("{type: a, options: {x: 1}}", "{options: {y: 2}}", r#"{"options": {"x": ["1"], "y": ["2"]}, "type": "a"}"#),
        ("{type: a, options: {x: 1}}", "{options: {x: [2]}}", r#"{"options": {"x": ["2"]}, "type": "a"}"#),
    ]);
}

#[test]
fn when_run() {
    KEY.runs(&[("{type: awesome}", "")]);
}
