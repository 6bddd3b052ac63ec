//! `services.*.stop_signal`: the signal that asks it to end.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.stop_signal");

#[test]
fn forms() {
    KEY.prints(&[("SIGINT", "SIGINT"), ("INT", "INT"), ("'9'", r#""9""#), ("SIGRTMIN+3", "SIGRTMIN+3")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("9", "3:18 `stop_signal` in service `web` must be a string, found a number"),
        ("[a]", "3:18 `stop_signal` in service `web` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("SIGINT", "SIGQUIT", "SIGQUIT")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("SIGINT", "")]);
}
