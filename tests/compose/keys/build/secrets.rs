//! `services.*.build.secrets`: secrets of the build.

use crate::keys::Key;

const KEY: Key =
    Key::new("services.web.build.secrets").and("    init: true\nsecrets: {s: {file: s}, t: {environment: SET}}\n");

#[test]
fn forms() {
    KEY.prints(&[
        ("[s]", r#"[{"source": "s"}]"#),
        ("[{source: s, target: t, mode: 0400}]", r#"[{"mode": "0400", "source": "s", "target": "t"}]"#),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("[none]", "4:17 service `web` refers to undefined build secret `none`"),
        ("[{source: s, foo: 1}]", "4:29 unknown key `foo` in `build.secrets` of service `web`"),
        ("[5]", "4:17 `build.secrets` in service `web` must be a string, found a number"),
        ("s", "4:16 `build.secrets` in service `web` must be a list, found a string"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("[s]", "[t]", r#"[{"source": "s"}, {"source": "t"}]"#)]);
}
