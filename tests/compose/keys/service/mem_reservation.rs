//! `services.*.mem_reservation`: the memory that is kept for it.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.mem_reservation");

#[test]
fn forms() {
    KEY.prints(&[
        ("512m", r#""536870912""#),
        ("536870912", r#""536870912""#),
        ("'1073741824'", r#""1073741824""#),
        ("1.5gb", r#""1610612736""#),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("5q", "3:22 invalid `mem_reservation` in service `web`: `5q` is not a size such as `512m` or `1.5gb`"),
        ("-5m", "3:22 invalid `mem_reservation` in service `web`: `-5m` is not a size such as `512m` or `1.5gb`"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("1m", "2m", r#""2097152""#)]);
}

#[test]
fn when_run() {
    KEY.runs(&[("512m", "")]);
}
