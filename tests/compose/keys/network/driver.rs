//! `networks.*.driver`: how it is made.

use crate::keys::Key;

const KEY: Key = Key::new("networks.n.driver");

#[test]
fn forms() {
    KEY.prints(&[("bridge", "bridge"), ("overlay", "overlay")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("5", "3:13 `driver` in network `n` must be a string, found a number"),
        ("[a]", "3:13 `driver` in network `n` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("bridge", "macvlan", "macvlan")]);
}

#[test]
fn when_run() {
    KEY.runs(&[
        (
            "overlay",
            "3:13 invalid `networks.n.driver: overlay`: there are the drivers bridge, macvlan, ipvlan, host and none",
        ),
        ("bridge", ""),
    ]);
}
