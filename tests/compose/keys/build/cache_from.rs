//! `services.*.build.cache_from`: where layers may come from.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.build.cache_from").and("    init: true\n");

#[test]
fn forms() {
    KEY.prints(&[("[a/b]", r#"["a/b"]"#), ("['type=local,src=x']", r#"["type=local,src=x"]"#)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("[5]", "4:20 `build.cache_from` in service `web` must be a string, found a number"),
        ("a", "4:19 `build.cache_from` in service `web` must be a list, found a string"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("[a]", "[b]", r#"["a", "b"]"#)]);
}
