//! `services.*.group_add`: further groups of the user.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.group_add");

#[test]
fn forms() {
    KEY.prints(&[("[audio, 5]", r#"["audio", "5"]"#), ("['5']", r#"["5"]"#)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("[5, 5]", "3:20 `5` stands twice in `group_add` in service `web`"),
        ("[1.5]", "3:17 `group_add` in service `web` must be a string or whole number, found a number"),
        ("[true]", "3:17 `group_add` in service `web` must be a string or whole number, found a boolean"),
        ("audio", "3:16 `group_add` in service `web` must be a list, found a string"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[
        ("[a]", "[b]", r#"["a", "b"]"#),
        // Docker Compose 2.40.3 refuses it.
        ("[a]", "[a, 5]", r#"["a", "5"]"#),
    ]);
}

#[test]
fn when_run() {
    KEY.runs(&[("[audio, 5]", "")]);
}
