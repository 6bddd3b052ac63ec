//! `services.*.build.no_cache_filter`: stages that are never taken from the cache; newer than 2.40.3.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.build.no_cache_filter").and("    init: true\n");

#[test]
fn forms() {
    KEY.prints(&[("a", r#"["a"]"#), ("[a, b]", r#"["a", "b"]"#)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("5", "4:24 `build.no_cache_filter` in service `web` must be a string, found a number"),
        ("[5]", "4:25 `build.no_cache_filter` in service `web` must be a string, found a number"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("a", "[b]", r#"["a", "b"]"#)]);
}
