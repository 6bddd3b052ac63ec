//! `services.*.build.dockerfile_inline`: the Dockerfile itself.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.build.dockerfile_inline").and("    init: true\n");

#[test]
fn forms() {
    KEY.prints(&[
        ("FROM nginx", "FROM nginx"),
        ("'RUN echo $$HOME'", "RUN echo $$HOME"),
        (
            r#""FROM a\nRUN b\n""#,
            "FROM a
RUN b
",
        ),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("5", "4:26 `build.dockerfile_inline` in service `web` must be a string, found a number"),
        ("[a]", "4:26 `build.dockerfile_inline` in service `web` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("FROM a", "FROM b", "FROM b")]);
}
