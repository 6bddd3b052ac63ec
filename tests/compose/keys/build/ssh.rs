//! `services.*.build.ssh`: keys and agents.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.build.ssh").and("    init: true\n");

#[test]
fn forms() {
    KEY.prints(&[
        ("[default]", r#"["default"]"#),
        // Docker Compose 2.40.3 cannot print it as JSON.
        ("[default, key=/abs/key]", r#"["default", "key=/abs/key"]"#),
        // Docker Compose 2.40.3 cannot print it as JSON.
        ("{key: /abs/key}", r#"["key=/abs/key"]"#),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("default", "4:12 `build.ssh` in service `web` must be a mapping or a list, found a string"),
        ("[nopath]", "4:13 invalid `ssh`: `nopath` needs a path: `nopath=PATH`"),
        ("[5]", "4:13 `build.ssh` in service `web` must be a string, found a number"),
        ("5", "4:12 `build.ssh` in service `web` must be a mapping or a list, found a number"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[
        // Docker Compose 2.40.3 cannot print it as JSON.
        ("[default]", "['key=/abs/key']", r#"["default", "key=/abs/key"]"#),
    ]);
}
