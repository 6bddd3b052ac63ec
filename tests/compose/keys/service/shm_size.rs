//! `services.*.shm_size`: the size of `/dev/shm`.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.shm_size");

#[test]
fn forms() {
    KEY.prints(&[("64m", r#""67108864""#), ("67108864", r#""67108864""#), ("0", ABSENT), ("2gb", r#""2147483648""#)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("5q", "3:15 invalid `shm_size` in service `web`: `5q` is not a size such as `512m` or `1.5gb`"),
        ("true", "3:15 `shm_size` in service `web` must be a size such as `64m`, found a boolean"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("1m", "2m", r#""2097152""#)]);
}

#[test]
fn when_run() {
    KEY.runs(&[("64m", "")]);
}
