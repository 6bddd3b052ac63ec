//! `services.*.build.shm_size`: the size of `/dev/shm` of the build.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.build.shm_size").and("    init: true\n");

#[test]
fn forms() {
    KEY.prints(&[("64m", r#""67108864""#), ("67108864", r#""67108864""#), ("0", ABSENT)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("5q", "4:17 invalid `build.shm_size` in service `web`: `5q` is not a size such as `512m` or `1.5gb`"),
        ("true", "4:17 `build.shm_size` in service `web` must be a size such as `64m`, found a boolean"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("1m", "2m", r#""2097152""#)]);
}
