//! `services.*.mem_limit`: the most memory.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.mem_limit");

#[test]
fn forms() {
    KEY.prints(&[
        ("512m", r#""536870912""#),
        ("536870912", r#""536870912""#),
        ("'1073741824'", r#""1073741824""#),
        ("1.5gb", r#""1610612736""#),
        ("64MiB", r#""67108864""#),
        ("1k", r#""1024""#),
        ("10kb", r#""10240""#),
        ("100b", r#""100""#),
        ("0", ABSENT),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("5q", "3:16 invalid `mem_limit` in service `web`: `5q` is not a size such as `512m` or `1.5gb`"),
        ("-5m", "3:16 invalid `mem_limit` in service `web`: `-5m` is not a size such as `512m` or `1.5gb`"),
        ("''", "3:16 invalid `mem_limit` in service `web`: `` is not a size such as `512m` or `1.5gb`"),
        ("true", "3:16 `mem_limit` in service `web` must be a size such as `64m`, found a boolean"),
        ("[1]", "3:16 `mem_limit` in service `web` must be a size such as `64m`, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("1m", "2m", r#""2097152""#), ("1m", "!reset null", ABSENT)]);
}

#[test]
fn when_run() {
    KEY.runs(&[("512m", "")]);
}
