//! `services.*.ports`: ports that the host publishes.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.ports");

#[test]
fn forms() {
    KEY.prints(&[
        ("[80]", r#"[{"mode": "ingress", "protocol": "tcp", "target": 80}]"#),
        ("['8080:80']", r#"[{"mode": "ingress", "protocol": "tcp", "published": "8080", "target": 80}]"#),
        ("['127.0.0.1:8080:80/udp']", r#"[{"host_ip": "127.0.0.1", "mode": "ingress", "protocol": "udp", "published": "8080", "target": 80}]"#),
        ("['[::1]:8080:80']", r#"[{"host_ip": "::1", "mode": "ingress", "protocol": "tcp", "published": "8080", "target": 80}]"#),
        ("['8000-8001:80-81']", r#"[{"mode": "ingress", "protocol": "tcp", "published": "8000", "target": 80}, {"mode": "ingress", "protocol": "tcp", "published": "8001", "target": 81}]"#),
        ("['8000-8010:80']", r#"[{"mode": "ingress", "protocol": "tcp", "published": "8000-8010", "target": 80}]"#),
        ("['3000-3002']", r#"[{"mode": "ingress", "protocol": "tcp", "target": 3000}, {"mode": "ingress", "protocol": "tcp", "target": 3001}, {"mode": "ingress", "protocol": "tcp", "target": 3002}]"#),
        ("[{target: 80, published: 8080, host_ip: 127.0.0.1, protocol: udp, mode: host, name: n, app_protocol: http}]", r#"[{"app_protocol": "http", "host_ip": "127.0.0.1", "mode": "host", "name": "n", "protocol": "udp", "published": "8080", "target": 80}]"#),
        ("[{target: '80', published: 8000-8010}]", r#"[{"mode": "ingress", "protocol": "tcp", "published": "8000-8010", "target": 80}]"#),
        ("['8080:80', {target: 80, published: '8080'}]", r#"[{"mode": "ingress", "protocol": "tcp", "published": "8080", "target": 80}]"#),
        ("['8080:80', '8081:80']", r#"[{"mode": "ingress", "protocol": "tcp", "published": "8080", "target": 80}, {"mode": "ingress", "protocol": "tcp", "published": "8081", "target": 80}]"#),
        ("['127.0.0.1::80']", r#"[{"host_ip": "127.0.0.1", "mode": "ingress", "protocol": "tcp", "target": 80}]"#),
        ("['0:80']", r#"[{"mode": "ingress", "protocol": "tcp", "published": "0", "target": 80}]"#),
        ("[]", ABSENT),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("['99999:80']", "3:14 invalid `ports`: `99999` is not a port between 1 and 65535"),
        (
            "['8000-8001:80-82']",
            "3:14 invalid `ports`: the host range `8000-8001` and the container range `80-82` differ in length",
        ),
        ("['80/foo']", "3:17 invalid `ports`: `foo` is not `tcp`, `udp` or `sctp`"),
        ("['a:b']", "3:16 invalid `ports`: `b` is not a port between 1 and 65535"),
        ("['']", "3:13 invalid `ports`: no container port"),
        ("['8080:']", "3:13 invalid `ports`: no container port"),
        ("['zz:80:80']", "3:14 invalid `ports`: `zz` is not an IP address"),
        ("[{published: 80}]", "3:13 invalid `ports` in service `web`: no `target`: which port of the container?"),
        ("[{target: 80, host_ip: zz}]", "3:35 invalid `ports.host_ip` in service `web`: `zz` is not an IP address"),
        ("[{target: 80, foo: 1}]", "3:26 unknown key `foo` in `ports` of service `web`"),
        ("[80.5]", "3:13 `ports` in service `web` must be a string or whole number, found a number"),
        ("80", "3:12 `ports` in service `web` must be a list, found a number"),
        ("{a: b}", "3:12 `ports` in service `web` must be a list, found a mapping"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[
        ("['8080:80']", "['8081:80', '8080:80/udp']", r#"[{"mode": "ingress", "protocol": "tcp", "published": "8080", "target": 80}, {"mode": "ingress", "protocol": "tcp", "published": "8081", "target": 80}, {"mode": "ingress", "protocol": "udp", "published": "8080", "target": 80}]"#),
        ("['8080:80']", "[{target: 80, published: '8080', name: n}]", r#"[{"mode": "ingress", "name": "n", "protocol": "tcp", "published": "8080", "target": 80}]"#),
        ("['8080:80']", "!override ['9090:80']", r#"[{"mode": "ingress", "protocol": "tcp", "published": "9090", "target": 80}]"#),
        ("['8080:80']", "!reset []", ABSENT),
        ("['8080:80']", "[]", r#"[{"mode": "ingress", "protocol": "tcp", "published": "8080", "target": 80}]"#),
    ]);
}

#[test]
fn when_run() {
    KEY.runs(&[
        ("['[::1]:8080:80', '132:132/sctp']", ""),
        ("[{target: 80, published: 8080, host_ip: 127.0.0.1, protocol: udp, mode: host, name: n, app_protocol: http}]", "3:84 `services.web.ports[0].mode: host` has no effect: it is for swarms | 3:99 `services.web.ports[0].app_protocol` has no effect: it is for people to read"),
        ("['0:80']", "3:14 invalid `published` in `ports` of service `web`: `0` is not a port between 1 and 65535"),
        ("[80]", ""),
    ]);
}
