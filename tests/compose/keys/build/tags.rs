//! `services.*.build.tags`: further names of the image.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.build.tags").and("    init: true\n");

#[test]
fn forms() {
    KEY.prints(&[("[a, 'b:c']", r#"["a", "b:c"]"#)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("[5]", "4:14 `build.tags` in service `web` must be a string, found a number"),
        ("a", "4:13 `build.tags` in service `web` must be a list, found a string"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("[a]", "[b, a]", r#"["a", "b"]"#)]);
}
