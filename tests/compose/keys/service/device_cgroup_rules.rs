//! `services.*.device_cgroup_rules`: devices that it may make.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.device_cgroup_rules");

#[test]
fn forms() {
    KEY.prints(&[("['c 1:3 mr']", r#"["c 1:3 mr"]"#)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("[a, a]", "3:30 `a` stands twice in `device_cgroup_rules` in service `web`"),
        ("[5]", "3:27 `device_cgroup_rules` in service `web` must be a string, found a number"),
        ("a", "3:26 `device_cgroup_rules` in service `web` must be a list, found a string"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("['c 1:3 mr']", "['a 7:* rmw']", r#"["c 1:3 mr", "a 7:* rmw"]"#)]);
}

#[test]
fn when_run() {
    KEY.runs(&[("['c 1:3 mr']", "")]);
}
