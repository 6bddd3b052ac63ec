//! `services.*.image`: the image that containers are made of.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.image").and("    init: true\n");

#[test]
fn forms() {
    KEY.prints(&[
        ("nginx", "nginx"),
        ("nginx:1.27", "nginx:1.27"),
        (
            "ghcr.io/a/b@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "ghcr.io/a/b@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ),
        ("localhost:5000/a/b:c", "localhost:5000/a/b:c"),
        ("${UNSET-nginx}", "nginx"),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        (r#""""#, "2:3 service `web` has neither an image nor a build context"),
        ("5", "3:12 `image` in service `web` must be a string, found a number"),
        ("[a]", "3:12 `image` in service `web` must be a string, found a list"),
        ("{a: b}", "3:12 `image` in service `web` must be a string, found a mapping"),
        ("null", "3:5 `image` in service `web` must be a string, found nothing"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("a", "b", "b"), ("a", "null", "a")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("nginx", "")]);
}
