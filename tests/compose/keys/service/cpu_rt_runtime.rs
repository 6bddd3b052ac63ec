//! `services.*.cpu_rt_runtime`: microseconds of the realtime scheduler.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.cpu_rt_runtime");

#[test]
fn forms() {
    KEY.prints(&[
        ("50000", "50000"),
        ("'50000'", "50000"),
        // Docker Compose 2.40.3 refuses it.
        ("400ms", "400000"),
        // Docker Compose 2.40.3 refuses it.
        ("1400us", "1400"),
        ("0", ABSENT),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("a", "3:21 invalid `cpu_rt_runtime` in service `web`: `a` is neither a number of microseconds nor a duration such as `50ms`"),
        ("true", "3:21 invalid `cpu_rt_runtime` in service `web`: `true` is neither a number of microseconds nor a duration such as `50ms`"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("1", "2", "2")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("50000", ""), ("0", "")]);
}
