//! `services.*.deploy.update_config`: how a service updates.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.deploy.update_config");

#[test]
fn forms() {
    KEY.prints(&[
        ("{parallelism: 2, delay: 10s, failure_action: pause, monitor: 1m, max_failure_ratio: 0.5, order: start-first}", r#"{"delay": "10s", "failure_action": "pause", "max_failure_ratio": 0.5, "monitor": "1m0s", "order": "start-first", "parallelism": 2}"#),
        ("{parallelism: 0, delay: 0s, max_failure_ratio: 0}", r#"{"parallelism": 0}"#),
        ("{}", "{}"),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        (
            "{order: random}",
            "4:30 invalid `deploy.update_config.order` in service `web`: must be `start-first` or `stop-first`",
        ),
        (
            "{parallelism: a}",
            "4:36 invalid `deploy.update_config.parallelism` in service `web`: `a` is not a whole number",
        ),
        (
            "{delay: 5}",
            "4:30 `deploy.update_config.delay` in service `web` must be a string such as `10s`, found a number",
        ),
        ("{foo: 1}", "4:23 unknown key `foo` in `deploy.update_config` of service `web`"),
        ("a", "4:22 `deploy.update_config` in service `web` must be a mapping, found a string"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[(
        "{parallelism: 2, order: stop-first}",
        "{order: start-first}",
        r#"{"order": "start-first", "parallelism": 2}"#,
    )]);
}

#[test]
fn when_run() {
    KEY.runs(&[
        ("{parallelism: 2, delay: 10s, failure_action: pause, monitor: 1m, max_failure_ratio: 0.5, order: start-first}", ""),
        ("{}", ""),
    ]);
}
