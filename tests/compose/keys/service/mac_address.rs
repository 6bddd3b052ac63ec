//! `services.*.mac_address`: the hardware address in the main network.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.mac_address");

#[test]
fn forms() {
    KEY.prints(&[("02:42:ac:11:00:02", "02:42:ac:11:00:02"), ("'5'", r#""5""#)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("5", "3:18 `mac_address` in service `web` must be a string, found a number"),
        ("[a]", "3:18 `mac_address` in service `web` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("02:42:ac:11:00:02", "02:42:ac:11:00:03", "02:42:ac:11:00:03")]);
}

#[test]
fn when_run() {
    KEY.runs(&[
        ("'5'", "3:19 invalid `mac_address` in service `web`: `5` is not a MAC address"),
        ("02:42:ac:11:00:02", ""),
    ]);
}
