//! `services.*.sysctls`: kernel parameters of its namespaces.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.sysctls");

#[test]
fn forms() {
    KEY.prints(&[
        ("{net.core.somaxconn: 1024}", r#"{"net.core.somaxconn": "1024"}"#),
        ("[net.core.somaxconn=1024]", r#"{"net.core.somaxconn": "1024"}"#),
        ("{a: 1.5, b: true, c: }", r#"{"a": "1.5", "b": "true", "c": ""}"#),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("{a: [1]}", "3:18 `sysctls.a` in service `web` must be a string, number or boolean, found a list"),
        ("[5]", "3:15 `sysctls` in service `web` must be a string, found a number"),
        ("a=b", "3:14 `sysctls` in service `web` must be a mapping or a list, found a string"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("{a: 1, b: 2}", "[b=3]", r#"{"a": "1", "b": "3"}"#)]);
}

#[test]
fn when_run() {
    KEY.runs(&[("{net.core.somaxconn: 1024}", "")]);
}
