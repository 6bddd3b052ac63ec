//! `services.*.cap_add`: rights beyond the usual.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.cap_add");

#[test]
fn forms() {
    KEY.prints(&[
        ("[NET_ADMIN]", r#"["NET_ADMIN"]"#),
        ("[ALL]", r#"["ALL"]"#),
        ("[cap_sys_time]", r#"["cap_sys_time"]"#),
        ("[A, A]", r#"["A"]"#),
        ("[]", ABSENT),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("[5]", "3:15 `cap_add` in service `web` must be a string, found a number"),
        ("ALL", "3:14 `cap_add` in service `web` must be a list, found a string"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("[A]", "[B, A]", r#"["A", "B"]"#), ("[A]", "!override [B]", r#"["B"]"#)]);
}

#[test]
fn when_run() {
    KEY.runs(&[
        ("[NET_ADMIN]", ""),
        ("[ALL, cap_sys_time]", ""),
        ("[FLY]", "3:15 invalid `services.web.cap_add[0]: FLY`: there is no such capability: see capabilities(7)"),
    ]);
}
