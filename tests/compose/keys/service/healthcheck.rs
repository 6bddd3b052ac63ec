//! `services.*.healthcheck`: the probe.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.healthcheck");

#[test]
fn forms() {
    KEY.prints(&[
        ("{test: curl x}", r#"{"test": ["CMD-SHELL", "curl x"]}"#),
        ("{test: [CMD, curl, x], interval: 5s, timeout: 1m, retries: 3, start_period: 1h, start_interval: 500ms}", r#"{"interval": "5s", "retries": 3, "start_interval": "500ms", "start_period": "1h0m0s", "test": ["CMD", "curl", "x"], "timeout": "1m0s"}"#),
        ("{test: [CMD-SHELL, a b]}", r#"{"test": ["CMD-SHELL", "a b"]}"#),
        ("{test: [NONE]}", r#"{"test": ["NONE"]}"#),
        ("{disable: true}", r#"{"disable": true}"#),
        ("{disable: 'yes'}", r#"{"disable": true}"#),
        ("{test: a, disable: false}", r#"{"test": ["CMD-SHELL", "a"]}"#),
        ("{}", "{}"),
        ("{test: []}", "{}"),
        ("{retries: '5'}", r#"{"retries": 5}"#),
        ("{interval: 0s, retries: 0}", r#"{"interval": "0s", "retries": 0}"#),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("{interval: 0s, retries: 0, retries_: 1}", "3:45 unknown key `retries_` in `healthcheck` of service `web`"),
        ("{test: [curl, x]}", "3:26 invalid `healthcheck.test` in service `web`: the list begins with `curl`, must begin with `CMD`, `CMD-SHELL` or `NONE`"),
        ("{interval: 10}", "3:29 `healthcheck.interval` in service `web` must be a string such as `10s`, found a number"),
        ("{interval: 1x}", "3:29 invalid `healthcheck.interval` in service `web`: unknown unit `x` in the duration `1x`"),
        ("{retries: -1}", "3:28 invalid `healthcheck.retries` in service `web`: -1 is negative"),
        ("{retries: many}", "3:28 invalid `healthcheck.retries` in service `web`: `many` is not a whole number"),
        ("{test: 5}", "3:25 `healthcheck.test` in service `web` must be a string, found a number"),
        ("{test: [CMD, 5]}", "3:31 `healthcheck.test` in service `web` must be a string, found a number"),
        ("curl x", "3:18 `healthcheck` in service `web` must be a mapping, found a string"),
        ("[CMD]", "3:18 `healthcheck` in service `web` must be a mapping, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[
        (
            "{test: a, interval: 1s}",
            "{test: [CMD, b], retries: 2}",
            r#"{"interval": "1s", "retries": 2, "test": ["CMD", "b"]}"#,
        ),
        ("{test: a}", "{disable: true}", r#"{"disable": true, "test": ["CMD-SHELL", "a"]}"#),
        ("{test: a, interval: 1s}", "{interval: !reset null}", r#"{"test": ["CMD-SHELL", "a"]}"#),
        ("{test: [CMD, a]}", "null", r#"{"test": ["CMD", "a"]}"#),
    ]);
}

#[test]
fn when_run() {
    KEY.runs(&[("{test: curl x}", "")]);
}
