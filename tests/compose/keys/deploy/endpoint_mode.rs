//! `services.*.deploy.endpoint_mode`: how a swarm finds replicas.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.deploy.endpoint_mode");

#[test]
fn forms() {
    KEY.prints(&[("vip", "vip"), ("dnsrr", "dnsrr")]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("5", "4:22 `deploy.endpoint_mode` in service `web` must be a string, found a number"),
        ("[a]", "4:22 `deploy.endpoint_mode` in service `web` must be a string, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("vip", "dnsrr", "dnsrr")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("vip", "4:7 `services.web.deploy.endpoint_mode` has no effect: it is for swarms")]);
}
