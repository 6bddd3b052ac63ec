//! `services.*.cpu_quota`: microseconds of processor time in each period.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.cpu_quota");

#[test]
fn forms() {
    KEY.prints(&[
        ("50000", "50000"),
        ("'50000'", "50000"),
        // Docker Compose 2.40.3 refuses it.
        ("50ms", "50000"),
        ("0", ABSENT),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("a", "3:16 invalid `cpu_quota` in service `web`: `a` is neither a number of microseconds nor a duration such as `50ms`"),
        ("true", "3:16 invalid `cpu_quota` in service `web`: `true` is neither a number of microseconds nor a duration such as `50ms`"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("1", "2", "2")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("50000", "")]);
}
