//! `services.*.build.platforms`: the platforms that it is built for.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.build.platforms").and("    init: true\n");

#[test]
fn forms() {
    KEY.prints(&[("[linux/amd64, linux/arm64]", r#"["linux/amd64", "linux/arm64"]"#)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("[5]", "4:19 `build.platforms` in service `web` must be a string, found a number"),
        ("linux/amd64", "4:18 `build.platforms` in service `web` must be a list, found a string"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("[linux/amd64]", "[linux/arm64]", r#"["linux/amd64", "linux/arm64"]"#)]);
}
