//! `services.*.platform`: the platform of the image.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.platform");

#[test]
fn forms() {
    KEY.prints(&[("linux/amd64", "linux/amd64"), ("linux", "linux"), ("linux/arm/v7", "linux/arm/v7")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("5", "3:15 `platform` in service `web` must be a string, found a number"),
        ("[a]", "3:15 `platform` in service `web` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("linux", "linux/amd64", "linux/amd64")]);
}

#[test]
fn when_run() {
    KEY.runs(&[
        ("linux/arm/v7", "3:15 `services.web.platform: linux/arm/v7` is not supported yet"),
        ("linux/amd64", ""),
    ]);
}
