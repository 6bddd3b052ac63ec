//! `volumes.*.driver_opts`: options of the driver.

use crate::keys::Key;

const KEY: Key = Key::new("volumes.v.driver_opts");

#[test]
fn forms() {
    KEY.prints(&[
        (
            "{type: nfs, o: 'addr=10.0.0.1,rw', device: ':/x'}",
            r#"{"device": ":/x", "o": "addr=10.0.0.1,rw", "type": "nfs"}"#,
        ),
        ("{a: 1.5}", r#"{"a": "1.5"}"#),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("{a: true}", "3:22 `driver_opts.a` in volume `v` must be a string or number, found a boolean"),
        ("[a=b]", "3:18 `driver_opts` in volume `v` must be a mapping, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("{a: x, b: y}", "{b: z}", r#"{"a": "x", "b": "z"}"#)]);
}

#[test]
fn when_run() {
    KEY.runs(&[(
        "{type: nfs, o: 'addr=10.0.0.1,rw', device: ':/x'}",
        "3:5 `volumes.v.driver_opts` is not supported yet",
    )]);
}
