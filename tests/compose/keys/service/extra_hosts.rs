//! `services.*.extra_hosts`: lines of `/etc/hosts`.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.extra_hosts");

#[test]
fn forms() {
    KEY.prints(&[
        ("['a=1.2.3.4', 'b:5.6.7.8']", r#"["a=1.2.3.4", "b=5.6.7.8"]"#),
        ("{a: 1.2.3.4, b: [1.1.1.1, 2.2.2.2]}", r#"["a=1.2.3.4", "b=1.1.1.1", "b=2.2.2.2"]"#),
        ("['six=[::1]', 'v6:::1']", r#"["six=::1", "v6=::1"]"#),
        ("['h=host-gateway']", r#"["h=host-gateway"]"#),
        ("{}", ABSENT),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("[nohost]", "3:19 invalid `extra_hosts`: expected `HOST=ADDRESS`"),
        ("['=1.2.3.4']", "3:19 invalid `extra_hosts`: `` is not a host name"),
        ("{a: {b: c}}", "3:22 `extra_hosts.a` in service `web` must be a string or a list, found a mapping"),
        ("[5]", "3:19 `extra_hosts` in service `web` must be a string, found a number"),
        ("a=1.2.3.4", "3:18 `extra_hosts` in service `web` must be a mapping or a list, found a string"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[
        ("['a=1.1.1.1']", "{a: 2.2.2.2}", r#"["a=1.1.1.1", "a=2.2.2.2"]"#),
        ("['a=1.1.1.1']", "['a=1.1.1.1', 'b=1.1.1.1']", r#"["a=1.1.1.1", "b=1.1.1.1"]"#),
        ("{a: 1.1.1.1}", "!override {b: 2.2.2.2}", r#"["b=2.2.2.2"]"#),
    ]);
}

#[test]
fn when_run() {
    KEY.runs(&[("['a=1.2.3.4', 'b:5.6.7.8']", "")]);
}
