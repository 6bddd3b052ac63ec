//! `services.*.deploy.resources`: limits and reservations.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.deploy.resources");

#[test]
fn forms() {
    KEY.prints(&[
        ("{limits: {cpus: '0.5', memory: 64m, pids: 10}}", r#"{"limits": {"cpus": 0.5, "memory": "67108864", "pids": 10}}"#),
        ("{limits: {cpus: 2, pids: '5'}}", r#"{"limits": {"cpus": 2, "pids": 5}}"#),
        ("{reservations: {cpus: 0.25, memory: 1g}}", r#"{"reservations": {"cpus": 0.25, "memory": "1073741824"}}"#),
        ("{reservations: {devices: [{capabilities: [gpu], driver: nvidia, count: 2, options: {a: 1}}]}}", r#"{"reservations": {"devices": [{"capabilities": ["gpu"], "count": 2, "driver": "nvidia", "options": {"a": "1"}}]}}"#),
        ("{reservations: {devices: [{capabilities: [gpu], device_ids: ['0']}, {capabilities: [gpu], count: all}]}}", r#"{"reservations": {"devices": [{"capabilities": ["gpu"], "device_ids": ["0"]}, {"capabilities": ["gpu"], "count": -1}]}}"#),
        ("{reservations: {generic_resources: [{discrete_resource_spec: {kind: gpu, value: 2}}]}}", r#"{"reservations": {"generic_resources": [{"discrete_resource_spec": {"kind": "gpu", "value": 2}}]}}"#),
        ("{}", "{}"),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("{limits: {memory: 64}}", "4:36 `deploy.resources.limits.memory` in service `web` must be a size such as `64m`, found a number"),
        ("{limits: {memory: 5q}}", "4:36 invalid `deploy.resources.limits.memory` in service `web`: `5q` is not a size such as `512m` or `1.5gb`"),
        ("{limits: {cpus: many}}", "4:34 invalid `deploy.resources.limits.cpus` in service `web`: `many` is not a number"),
        ("{limits: {foo: 1}}", "4:28 unknown key `foo` in `deploy.resources.limits` of service `web`"),
        ("{reservations: {pids: 5}}", "4:34 unknown key `pids` in `deploy.resources.reservations` of service `web`"),
        ("{reservations: {devices: [{driver: a}]}}", "4:44 `deploy.resources.reservations.devices` of service `web` needs `capabilities`"),
        ("{reservations: {devices: [{capabilities: [gpu], count: 1, device_ids: [a]}]}}", "4:76 a device request of service `web` has both `count` and `device_ids`"),
        ("{foo: 1}", "4:19 unknown key `foo` in `deploy.resources` of service `web`"),
        ("[a]", "4:18 `deploy.resources` in service `web` must be a mapping, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[
        (
            "{limits: {cpus: '1'}}",
            "{limits: {memory: 1g}, reservations: {memory: 1m}}",
            r#"{"limits": {"cpus": 1, "memory": "1073741824"}, "reservations": {"memory": "1048576"}}"#,
        ),
        ("{limits: {cpus: '1'}}", "{limits: {cpus: '2'}}", r#"{"limits": {"cpus": 2}}"#),
    ]);
}

#[test]
fn when_run() {
    KEY.runs(&[
        (
            "{reservations: {cpus: 0.25, memory: 1g}}",
            "4:34 `services.web.deploy.resources.reservations.cpus` has no effect: it is for swarms",
        ),
        ("{reservations: {devices: [{capabilities: [gpu], driver: nvidia, count: 2, options: {a: 1}}]}}", ""),
        (
            "{reservations: {generic_resources: [{discrete_resource_spec: {kind: gpu, value: 2}}]}}",
            "4:34 `services.web.deploy.resources.reservations.generic_resources` has no effect: it is for swarms",
        ),
        ("{limits: {cpus: '0.5', memory: 64m, pids: 10}}", ""),
    ]);
}
