//! `services.*.use_api_socket`: the socket of the engine and its credentials.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.use_api_socket");

#[test]
fn forms() {
    KEY.prints(&[
        ("true", "true"),
        ("false", ABSENT),
        // Docker Compose 2.40.3 refuses it.
        ("'true'", "true"),
        // Docker Compose 2.40.3 refuses it.
        ("yes", "true"),
        // Docker Compose 2.40.3 refuses it.
        ("'off'", ABSENT),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("1", "3:21 `use_api_socket` in service `web` must be `true` or `false`, found a number"),
        ("maybe", "3:21 invalid `use_api_socket` in service `web`: `maybe` is neither `true` nor `false`"),
        ("[true]", "3:21 `use_api_socket` in service `web` must be `true` or `false`, found a list"),
        ("null", "3:5 `use_api_socket` in service `web` must be `true` or `false`, found nothing"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("true", "false", ABSENT), ("true", "null", "true")]);
}

#[test]
fn when_run() {
    KEY.runs(&[
        (
            "true",
            "3:5 invalid `services.web.use_api_socket`: there is no daemon here whose API a container could use: give it \
             the socket of one with `volumes`, if one runs beside",
        ),
        ("false", ""),
    ]);
}
