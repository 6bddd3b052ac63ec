//! `services.*.volumes`: what is mounted.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.volumes").and("volumes: {data: , n: }\n");

#[test]
fn forms() {
    KEY.prints(&[
        ("['data:/data']", r#"[{"source": "data", "target": "/data", "type": "volume", "volume": {}}]"#),
        ("['./src:/src:ro']", r#"[{"bind": {"create_host_path": true}, "read_only": true, "source": "/shop/src", "target": "/src", "type": "bind"}]"#),
        ("['/abs:/abs:rw,z']", r#"[{"bind": {"create_host_path": true, "selinux": "z"}, "source": "/abs", "target": "/abs", "type": "bind"}]"#),
        ("['~/x:/x']", r#"[{"bind": {"create_host_path": true}, "source": "/root/x", "target": "/x", "type": "bind"}]"#),
        ("[/anonymous]", r#"[{"target": "/anonymous", "type": "volume", "volume": {}}]"#),
        ("['data:/data:nocopy']", r#"[{"source": "data", "target": "/data", "type": "volume", "volume": {"nocopy": true}}]"#),
        ("['../up:/up:rslave']", r#"[{"bind": {"create_host_path": true, "propagation": "rslave"}, "source": "/up", "target": "/up", "type": "bind"}]"#),
        ("[{type: bind, source: ., target: /x, read_only: true, bind: {propagation: rslave, create_host_path: false, recursive: disabled, selinux: Z}}]", r#"[{"bind": {"propagation": "rslave", "recursive": "disabled", "selinux": "Z"}, "read_only": true, "source": "/shop", "target": "/x", "type": "bind"}]"#),
        ("[{type: volume, source: data, target: /x, volume: {nocopy: true, subpath: a, labels: [b=c]}}]", r#"[{"source": "data", "target": "/x", "type": "volume", "volume": {"labels": {"b": "c"}, "nocopy": true, "subpath": "a"}}]"#),
        ("[{type: tmpfs, target: /x, tmpfs: {size: 1m, mode: 0755}}]", r#"[{"target": "/x", "tmpfs": {"mode": 493, "size": "1048576"}, "type": "tmpfs"}]"#),
        ("[{type: image, source: nginx, target: /x, image: {subpath: a}}]", r#"[{"image": {"subpath": "a"}, "source": "nginx", "target": "/x", "type": "image"}]"#),
        ("[{type: npipe, source: a, target: /x, consistency: cached}]", r#"[{"consistency": "cached", "source": "a", "target": "/x", "type": "npipe"}]"#),
        ("[{type: cluster, source: data, target: /x}]", r#"[{"source": "data", "target": "/x", "type": "cluster"}]"#),
        ("['data:/a', '/b:/a']", r#"[{"bind": {"create_host_path": true}, "source": "/b", "target": "/a", "type": "bind"}]"#),
        // Docker Compose 2.40.3 takes the letter for a drive.
        ("['n:/n']", r#"[{"source": "n", "target": "/n", "type": "volume", "volume": {}}]"#),
        ("['data:/d/../e/']", r#"[{"source": "data", "target": "/e", "type": "volume", "volume": {}}]"#),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        // Docker Compose 2.40.3 takes it.
        ("['a:b:c:d']", "3:15 invalid `volumes`: expected `[SOURCE:]TARGET[:OPTIONS]`"),
        ("['none:/x']", "3:16 service `web` refers to undefined volume `none`"),
        ("['data::ro']", "3:15 invalid `volumes`: no part may be empty"),
        ("[{target: /x}]", "3:15 `volumes` of service `web` needs `type`"),
        ("[{type: bind, target: /x}]", "3:15 invalid `volumes` in service `web`: no `source`: which directory of the host?"),
        ("[{type: bind, source: .}]", "3:15 invalid `volumes` in service `web`: no `target`: where in the container?"),
        ("[{type: dance, target: /x}]", "3:22 invalid `volumes.type` in service `web`: must be `bind`, `volume`, `tmpfs`, `cluster`, `npipe` or `image`"),
        ("[{type: bind, source: ., target: /x, foo: 1}]", "3:51 unknown key `foo` in `volumes` of service `web`"),
        ("[{type: bind, source: ., target: /x, bind: {selinux: q}}]", "3:67 invalid `volumes.bind.selinux` in service `web`: must be `z` or `Z`"),
        ("[5]", "3:15 `volumes` in service `web` must be a string, found a number"),
        ("a:/b", "3:14 `volumes` in service `web` must be a list, found a string"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[
        ("['data:/x']", "['./y:/x:ro']", r#"[{"bind": {"create_host_path": true}, "read_only": true, "source": "/shop/y", "target": "/x", "type": "bind"}]"#),
        // Docker Compose 2.40.3 takes the letter for a drive.
        ("['data:/x', /a]", "['n:/y']", r#"[{"source": "data", "target": "/x", "type": "volume", "volume": {}}, {"target": "/a", "type": "volume"}, {"source": "n", "target": "/y", "type": "volume", "volume": {}}]"#),
        // Docker Compose 2.40.3 takes the letter for a drive.
        ("['data:/x']", "!override ['n:/y']", r#"[{"source": "n", "target": "/y", "type": "volume", "volume": {}}]"#),
        ("['data:/x']", "!reset []", ABSENT),
    ]);
}

#[test]
fn when_run() {
    KEY.runs(&[
        ("['/abs:/abs:rw,z']", "3:15 `services.web.volumes[0].bind.selinux` has no effect: nothing is labelled for SELinux"),
        ("[{type: bind, source: ., target: /x, read_only: true, bind: {propagation: rslave, create_host_path: false, recursive: disabled, selinux: Z}}]", "3:142 `services.web.volumes[0].bind.selinux` has no effect: nothing is labelled for SELinux"),
        ("[{type: volume, source: data, target: /x, volume: {nocopy: true, subpath: a, labels: [b=c]}}]", "3:91 `services.web.volumes[0].volume.labels` is not supported yet"),
        ("[{type: image, source: nginx, target: /x, image: {subpath: a}}]", ""),
        ("[{type: npipe, source: a, target: /x, consistency: cached}]", "3:22 `services.web.volumes[0].type: npipe` is not supported yet | 3:52 `services.web.volumes[0].consistency` has no effect: it is for Docker Desktop"),
        ("['data:/data']", ""),
    ]);
}
