//! `services.*.restart`: when a container that ends is started again.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.restart");

#[test]
fn forms() {
    KEY.prints(&[
        ("no", "no"),
        ("always", "always"),
        ("unless-stopped", "unless-stopped"),
        ("on-failure", "on-failure"),
        ("on-failure:3", "on-failure:3"),
        ("'no'", "no"),
        ("sometimes", "sometimes"),
        ("on-failure:x", "on-failure:x"),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("false", "3:14 `restart` in service `web` must be a string, found a boolean"),
        ("5", "3:14 `restart` in service `web` must be a string, found a number"),
        ("[a]", "3:14 `restart` in service `web` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("always", "no", "no"), ("always", "null", "always")]);
}

#[test]
fn when_run() {
    KEY.runs(&[
        ("sometimes", "3:14 invalid `restart` in service `web`: must be `no`, `always`, `unless-stopped` or `on-failure[:ATTEMPTS]`"),
        ("on-failure:x", "3:25 invalid `restart` in service `web`: `x` is not a number of attempts"),
        ("no", ""),
    ]);
}
