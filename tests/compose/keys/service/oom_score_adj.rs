//! `services.*.oom_score_adj`: how soon it is killed for want of memory.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.oom_score_adj");

#[test]
fn forms() {
    KEY.prints(&[("-1000", "-1000"), ("1000", "1000"), ("'500'", "500"), ("0", ABSENT)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("1001", "3:20 invalid `oom_score_adj` in service `web`: 1001 is not between -1000 and 1000"),
        ("-1001", "3:20 invalid `oom_score_adj` in service `web`: -1001 is not between -1000 and 1000"),
        ("1.5", "3:20 invalid `oom_score_adj` in service `web`: `1.5` is not a whole number"),
        ("a", "3:20 invalid `oom_score_adj` in service `web`: `a` is not a whole number"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("1", "2", "2")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("-1000", "")]);
}
