//! `services.*.memswap_limit`: the most memory and swap together.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.memswap_limit");

#[test]
fn forms() {
    KEY.prints(&[("1g", r#""1073741824""#), ("-1", r#""-1""#), ("0", ABSENT)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("'-1'", "3:21 invalid `memswap_limit` in service `web`: `-1` is not a size such as `512m` or `1.5gb`"),
        ("5q", "3:20 invalid `memswap_limit` in service `web`: `5q` is not a size such as `512m` or `1.5gb`"),
        ("true", "3:20 `memswap_limit` in service `web` must be a size such as `64m`, found a boolean"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("1m", "2m", r#""2097152""#)]);
}

#[test]
fn when_run() {
    KEY.runs(&[("1g", "")]);
}
