//! `services.*.build.args`: the arguments of the build.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.build.args").and("    init: true\n");

#[test]
fn forms() {
    KEY.prints(&[
        ("{A: b, N: 1.10, U: , SET: }", r#"{"A": "b", "N": "1.1", "SET": "set"}"#),
        ("[A=b, SET, U]", r#"{"A": "b", "SET": "set"}"#),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("{A: [1]}", "4:17 `build.args.A` in service `web` must be a string, number or boolean, found a list"),
        ("[5]", "4:14 `build.args` in service `web` must be a string, found a number"),
        ("A=b", "4:13 `build.args` in service `web` must be a mapping or a list, found a string"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[
        ("{A: 1, B: 2}", "[B=3]", r#"{"A": "1", "B": "3"}"#),
        ("{A: 1}", "!override {B: 2}", r#"{"B": "2"}"#),
    ]);
}
