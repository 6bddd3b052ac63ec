//! `services.*.build`: how the image is built.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.build").and("    init: true\n");

#[test]
fn forms() {
    KEY.prints(&[
        (".", r#"{"context": "/shop", "dockerfile": "Dockerfile"}"#),
        ("./dir", r#"{"context": "/shop/dir", "dockerfile": "Dockerfile"}"#),
        ("{context: dir, dockerfile: My.dockerfile}", r#"{"context": "/shop/dir", "dockerfile": "My.dockerfile"}"#),
        ("{dockerfile_inline: FROM x}", r#"{"context": "/shop", "dockerfile_inline": "FROM x"}"#),
        (
            "https://github.com/a/b.git#main:sub",
            r#"{"context": "https://github.com/a/b.git#main:sub", "dockerfile": "Dockerfile"}"#,
        ),
        ("{}", r#"{"context": "/shop", "dockerfile": "Dockerfile"}"#),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("{context: ., foo: 1}", "3:25 unknown key `foo` in `build` of service `web`"),
        ("{dockerfile: a, dockerfile_inline: b}", "3:28 service `web` has both `dockerfile` and `dockerfile_inline`"),
        ("5", "3:12 `build` in service `web` must be a string, found a number"),
        ("[.]", "3:12 `build` in service `web` must be a string or a mapping, found a list"),
        ("null", "3:5 `build` in service `web` must be a string or a mapping, found nothing"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[
        ("dir", "{target: t}", r#"{"context": "/shop/dir", "dockerfile": "Dockerfile", "target": "t"}"#),
        ("{context: a, target: t}", "b", r#"{"context": "/shop/b", "dockerfile": "Dockerfile", "target": "t"}"#),
        ("dir", "!override {context: b}", r#"{"context": "/shop/b", "dockerfile": "Dockerfile"}"#),
        ("dir", "null", r#"{"context": "/shop/dir", "dockerfile": "Dockerfile"}"#),
    ]);
}

#[test]
fn when_run() {
    KEY.runs(&[(".", "")]);
}
