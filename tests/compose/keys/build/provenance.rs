//! `services.*.build.provenance`: provenance attestations.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.build.provenance").and("    init: true\n");

#[test]
fn forms() {
    KEY.prints(&[("true", r#""true""#), ("false", r#""false""#), ("mode=max", "mode=max")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("[a]", "4:19 `build.provenance` in service `web` must be a string, number or boolean, found a list"),
        ("{a: b}", "4:19 `build.provenance` in service `web` must be a string, number or boolean, found a mapping"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("true", "mode=max", "mode=max")]);
}
