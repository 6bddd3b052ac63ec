//! `services.*.build.entitlements`: rights of the build.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.build.entitlements").and("    init: true\n");

#[test]
fn forms() {
    KEY.prints(&[("[network.host]", r#"["network.host"]"#)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("[5]", "4:22 `build.entitlements` in service `web` must be a string, found a number"),
        ("a", "4:21 `build.entitlements` in service `web` must be a list, found a string"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("[a]", "[b]", r#"["a", "b"]"#)]);
}
