//! `secrets.*.driver_opts`: options of the driver.

use crate::keys::Key;

const KEY: Key = Key::new("secrets.s.driver_opts").and("    file: x\n");

#[test]
fn forms() {
    KEY.prints(&[
        // Docker Compose 2.40.3 refuses it.
        ("{a: b, n: 1.5}", r#"{"a": "b", "n": "1.5"}"#),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("{a: true}", "3:22 `driver_opts.a` in secret `s` must be a string or number, found a boolean"),
        ("[a=b]", "3:18 `driver_opts` in secret `s` must be a mapping, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("{a: x}", "{b: y}", r#"{"a": "x", "b": "y"}"#)]);
}

#[test]
fn when_run() {
    KEY.runs(&[("{a: b, n: 1.5}", "3:5 `secrets.s.driver_opts` is not supported yet")]);
}
