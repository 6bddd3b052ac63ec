//! `services.*.mem_swappiness`: how readily it is swapped out.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.mem_swappiness");

#[test]
fn forms() {
    KEY.prints(&[("60", r#""60""#), ("'60'", r#""60""#), ("0", ABSENT)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("a", "3:21 invalid `mem_swappiness` in service `web`: `a` is not a size such as `512m` or `1.5gb`"),
        ("true", "3:21 `mem_swappiness` in service `web` must be a size such as `64m`, found a boolean"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("1", "2", r#""2""#)]);
}

#[test]
fn when_run() {
    KEY.runs(&[("60", ""), ("0", "")]);
}
