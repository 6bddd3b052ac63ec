//! `services.*.pull_policy`: when an image is pulled.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.pull_policy");

#[test]
fn forms() {
    KEY.prints(&[
        ("always", "always"),
        ("never", "never"),
        ("missing", "missing"),
        ("if_not_present", "missing"),
        ("build", "build"),
        ("daily", "daily"),
        ("weekly", "weekly"),
        ("every_12h", "every_12h"),
        ("every_2w3d", "every_2w3d"),
        ("refresh", "refresh"),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("sometimes", "3:18 invalid `pull_policy` in service `web`: must be `always`, `build`, `daily`, `if_not_present`, `missing`, `never`, `refresh`, `weekly` or `every_<duration>`"),
        ("every_", "3:18 invalid `pull_policy` in service `web`: must be `always`, `build`, `daily`, `if_not_present`, `missing`, `never`, `refresh`, `weekly` or `every_<duration>`"),
        ("true", "3:18 `pull_policy` in service `web` must be a string, found a boolean"),
        ("[always]", "3:18 `pull_policy` in service `web` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("always", "never", "never"), ("always", "null", "always")]);
}

#[test]
fn when_run() {
    KEY.runs(&[
        ("build", ""),
        ("daily", "3:18 `services.web.pull_policy: daily` is not supported yet"),
        ("weekly", "3:18 `services.web.pull_policy: weekly` is not supported yet"),
        ("every_12h", "3:18 `services.web.pull_policy: every_12h` is not supported yet"),
        ("every_2w3d", "3:18 `services.web.pull_policy: every_2w3d` is not supported yet"),
        ("always", ""),
    ]);
}
