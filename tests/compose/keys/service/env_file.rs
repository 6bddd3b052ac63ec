//! `services.*.env_file`: files of variables: `config` prints what is in them.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.env_file").files(&[
    ("a.env", "A=1\nB=a\n"),
    ("b.env", "B=b\nC=${A}\n"),
    ("raw.env", "R='a' # b\n"),
]);

#[test]
fn forms() {
    KEY.prints(&[
        ("a.env", ABSENT),
        ("[a.env, b.env]", ABSENT),
        ("[{path: a.env}, {path: none.env, required: false}]", ABSENT),
        ("[{path: raw.env, format: raw}]", ABSENT),
        ("[{path: b.env, required: 'true'}]", ABSENT),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("{path: a.env}", "3:15 `env_file` in service `web` must be a string or a list, found a mapping"),
        ("none.env", "3:15 cannot read env file `none.env`: entity not found"),
        (
            "[{path: a.env, format: toml}]",
            "3:38 invalid `format` of an env file: `toml` is not a format, must be `raw`",
        ),
        ("[{required: false}]", "3:16 `env_file` of service `web` needs `path`"),
        ("[{path: a.env, foo: 1}]", "3:30 unknown key `foo` in `env_file` of service `web`"),
        ("5", "3:15 `env_file` in service `web` must be a string, found a number"),
        ("[5]", "3:16 `env_file` in service `web` must be a string, found a number"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[
        ("a.env", "b.env", ABSENT),
        ("[a.env, b.env]", "[a.env]", ABSENT),
        ("a.env", "!override [b.env]", ABSENT),
    ]);
}

#[test]
fn never_merged() {
    KEY.refuses_to_merge(&[(
        "a.env",
        "{path: none.env, required: false}",
        "compose.override.yaml:3:15 `env_file` in service `web` must be a string or a list, found a mapping",
    )]);
}

#[test]
fn when_run() {
    KEY.runs(&[("a.env", "")]);
}
