//! `services.*.environment`: the variables of the command.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.environment");

#[test]
fn forms() {
    KEY.prints(&[
        (
            "{A: b, N: 1.10, F: 0777, T: yes, B: true, E: '', U: }",
            r#"{"A": "b", "B": "true", "E": "", "F": "511", "N": "1.1", "T": "yes", "U": null}"#,
        ),
        ("[A=b, 'N=1.10', 'X', E=, S=a=b]", r#"{"A": "b", "E": "", "N": "1.10", "S": "a=b", "X": null}"#),
        ("{SET: }", r#"{"SET": "set"}"#),
        ("[SET]", r#"{"SET": "set"}"#),
        ("{A: $$x}", r#"{"A": "$$x"}"#),
        ("[A=a, A=b]", r#"{"A": "b"}"#),
        ("{A: 1e3, I: 1_000, H: 0x1F, M: '0777'}", r#"{"A": "1000", "H": "31", "I": "1000", "M": "0777"}"#),
        ("{}", ABSENT),
        ("[]", ABSENT),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("{A: [1]}", "3:22 `environment.A` in service `web` must be a string, number or boolean, found a list"),
        ("{A: {b: c}}", "3:22 `environment.A` in service `web` must be a string, number or boolean, found a mapping"),
        ("{A: 2001-01-01}", "3:22 `environment.A` in service `web` must be a string, number or boolean, found a date"),
        ("[5]", "3:19 `environment` in service `web` must be a string, found a number"),
        ("a=b", "3:18 `environment` in service `web` must be a mapping or a list, found a string"),
        ("{'': a}", "3:19 invalid `environment` in service `web`: a name is empty"),
        ("null", "3:5 `environment` in service `web` must be a mapping or a list, found nothing"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[
        ("{A: 1, B: 2}", "[A=3, C=4]", r#"{"A": "3", "B": "2", "C": "4"}"#),
        ("[A=1, B=2]", "{A: }", r#"{"A": null, "B": "2"}"#),
        ("{A: 1}", "null", r#"{"A": "1"}"#),
        ("{A: 1, B: 2}", "{A: !reset null}", r#"{"B": "2"}"#),
        ("{A: 1}", "!override {B: 2}", r#"{"B": "2"}"#),
        ("{A: 1}", "!reset null", ABSENT),
    ]);
}

#[test]
fn when_run() {
    KEY.runs(&[("{A: b, N: 1.10, F: 0777, T: yes, B: true, E: '', U: }", "")]);
}
