//! `networks.*.driver_opts`: options of the driver.

use crate::keys::Key;

const KEY: Key = Key::new("networks.n.driver_opts");

#[test]
fn forms() {
    KEY.prints(&[("{a: b, n: 1.5, i: 1}", r#"{"a": "b", "i": "1", "n": "1.5"}"#)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("{a: true}", "3:22 `driver_opts.a` in network `n` must be a string or number, found a boolean"),
        ("[a=b]", "3:18 `driver_opts` in network `n` must be a mapping, found a list"),
        ("{a: [b]}", "3:22 `driver_opts.a` in network `n` must be a string or number, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("{a: x, b: y}", "{b: z}", r#"{"a": "x", "b": "z"}"#)]);
}

#[test]
fn when_run() {
    KEY.runs(&[
        ("{a: b, n: 1.5, i: 1}", "3:19 `networks.n.driver_opts.a` has no effect: no driver here has such an option | 3:25 `networks.n.driver_opts.n` has no effect: no driver here has such an option | 3:33 `networks.n.driver_opts.i` has no effect: no driver here has such an option"),
    ]);
}
