//! `services.*.build.sbom`: bill of materials attestations.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.build.sbom").and("    init: true\n");

#[test]
fn forms() {
    KEY.prints(&[("true", r#""true""#), ("false", r#""false""#), ("mode=max", "mode=max")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("[a]", "4:13 `build.sbom` in service `web` must be a string, number or boolean, found a list"),
        ("{a: b}", "4:13 `build.sbom` in service `web` must be a string, number or boolean, found a mapping"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("true", "mode=max", "mode=max")]);
}
