//! `services.*.devices`: devices of the host.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.devices");

#[test]
fn forms() {
    KEY.prints(&[
        ("[/dev/a]", r#"[{"permissions": "rwm", "source": "/dev/a", "target": "/dev/a"}]"#),
        ("['/dev/a:/dev/b']", r#"[{"permissions": "rwm", "source": "/dev/a", "target": "/dev/b"}]"#),
        ("['/dev/a:/dev/b:r']", r#"[{"permissions": "r", "source": "/dev/a", "target": "/dev/b"}]"#),
        (
            "[vendor.com/class=name]",
            r#"[{"permissions": "rwm", "source": "vendor.com/class=name", "target": "vendor.com/class=name"}]"#,
        ),
        (
            "[{source: /dev/a, target: /dev/b, permissions: rw}]",
            r#"[{"permissions": "rw", "source": "/dev/a", "target": "/dev/b"}]"#,
        ),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("['a:b:c:d']", "3:15 invalid `devices`: expected `SOURCE[:TARGET[:PERMISSIONS]]`"),
        ("[{target: /dev/b}]", "3:15 `devices` of service `web` needs `source`"),
        ("[{source: /dev/a}]", "3:15 invalid `devices` in service `web`: no `target`: where in the container?"),
        ("[{source: /dev/a, target: /b, foo: 1}]", "3:44 unknown key `foo` in `devices` of service `web`"),
        ("[5]", "3:15 `devices` in service `web` must be a string, found a number"),
        ("/dev/a", "3:14 `devices` in service `web` must be a list, found a string"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[
        ("['/dev/a:/x']", "['/dev/b:/x', /dev/c]", r#"[{"permissions": "rwm", "source": "/dev/b", "target": "/x"}, {"permissions": "rwm", "source": "/dev/c", "target": "/dev/c"}]"#),
        ("['/dev/a']", "!override ['/dev/b']", r#"[{"permissions": "rwm", "source": "/dev/b", "target": "/dev/b"}]"#),
    ]);
}

#[test]
fn when_run() {
    KEY.runs(&[("[/dev/a]", ""),
        ("[vendor.com/class=name]", ""),
        ("[dev/a:/dev/a]", "3:15 invalid `services.web.devices[0].source: dev/a`: is neither the absolute path of a device nor a CDI name: `vendor.com/class=name`"),
        ("[/dev/a:b]", "3:15 invalid `services.web.devices[0].target: b`: is not an absolute path in the container"),
        ("[/dev/a:/dev/b:rx]", "3:15 invalid `services.web.devices[0].permissions: rx`: is not made of `r`, `w` and `m`"),]);
}
