//! `services.*.build.extra_hosts`: lines of `/etc/hosts` of the build.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.build.extra_hosts").and("    init: true\n");

#[test]
fn forms() {
    KEY.prints(&[
        ("['a=1.2.3.4', 'b:5.6.7.8']", r#"["a=1.2.3.4", "b=5.6.7.8"]"#),
        ("{a: [1.1.1.1, 2.2.2.2]}", r#"["a=1.1.1.1", "a=2.2.2.2"]"#),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("[nohost]", "4:21 invalid `extra_hosts`: expected `HOST=ADDRESS`"),
        ("[5]", "4:21 `build.extra_hosts` in service `web` must be a string, found a number"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("['a=1.1.1.1']", "['b=1.1.1.1']", r#"["a=1.1.1.1", "b=1.1.1.1"]"#)]);
}
