//! `services.*.deploy.restart_policy`: when a container that ends is started again.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.deploy.restart_policy");

#[test]
fn forms() {
    KEY.prints(&[
        (
            "{condition: on-failure, delay: 5s, max_attempts: 3, window: 2m}",
            r#"{"condition": "on-failure", "delay": "5s", "max_attempts": 3, "window": "2m0s"}"#,
        ),
        ("{condition: any, delay: 0s, max_attempts: 0}", r#"{"condition": "any", "delay": "0s", "max_attempts": 0}"#),
        ("{}", "{}"),
        ("{condition: never}", r#"{"condition": "never"}"#),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        (
            "{max_attempts: a}",
            "4:38 invalid `deploy.restart_policy.max_attempts` in service `web`: `a` is not a whole number",
        ),
        (
            "{delay: 5}",
            "4:31 `deploy.restart_policy.delay` in service `web` must be a string such as `10s`, found a number",
        ),
        ("{foo: 1}", "4:24 unknown key `foo` in `deploy.restart_policy` of service `web`"),
        ("always", "4:23 `deploy.restart_policy` in service `web` must be a mapping, found a string"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("{condition: any, delay: 1s}", "{condition: none}", r#"{"condition": "none", "delay": "1s"}"#)]);
}

#[test]
fn when_run() {
    KEY.runs(&[
        ("{condition: on-failure, delay: 5s, max_attempts: 3, window: 2m}", ""),
        ("{condition: any, delay: 0s, max_attempts: 0}", ""),
        (
            "{condition: never}",
            "4:35 invalid `condition` in `restart_policy` of service `web`: must be `none`, `on-failure` or `any`",
        ),
        ("{}", ""),
    ]);
}
