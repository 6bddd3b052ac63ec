//! `services.*.labels`: labels of the containers.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.labels");

#[test]
fn forms() {
    KEY.prints(&[
        ("{a: b, n: 1.5, t: true, e: , z: 'null'}", r#"{"a": "b", "e": "", "n": "1.5", "t": "true", "z": "null"}"#),
        ("[a=b, c, 'd=e=f']", r#"{"a": "b", "c": "", "d": "e=f"}"#),
        ("[a=1, a=2]", r#"{"a": "2"}"#),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("{a: [1]}", "3:17 `labels.a` in service `web` must be a string, number or boolean, found a list"),
        ("{a: 2001-01-01}", "3:17 `labels.a` in service `web` must be a string, number or boolean, found a date"),
        ("[5]", "3:14 `labels` in service `web` must be a string, found a number"),
        ("a=b", "3:13 `labels` in service `web` must be a mapping or a list, found a string"),
        ("{'': a}", "3:14 invalid `labels` in service `web`: a name is empty"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[
        ("{a: 1, b: 2}", "[b=3, c]", r#"{"a": "1", "b": "3", "c": ""}"#),
        ("{a: 1}", "{a: }", r#"{"a": ""}"#),
        ("{a: 1, b: 2}", "{a: !reset null}", r#"{"b": "2"}"#),
        ("[a=1]", "!override [b=2]", r#"{"b": "2"}"#),
    ]);
}

#[test]
fn when_run() {
    KEY.runs(&[("{a: b, n: 1.5, t: true, e: , z: 'null'}", "")]);
}
