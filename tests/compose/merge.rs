//! Later files over earlier ones. What each key does is in `keys/`; here is what they have in common.

use serde_json::{Value, json};

use crate::keys::printed;
use crate::{Case, indented};

const RESOURCES: &str = "volumes: {a: , b: }\nsecrets: {s: {file: s}, t: {file: t}}\n";

/// The service of two files with these keys, without what both of them have.
fn merged(base: &str, over: &str) -> Value {
    let file = |keys: &str, image: &str| format!("services:\n  web:\n{image}{}{RESOURCES}", indented(keys));
    let case =
        Case::new(&file(base, "    image: nginx\n")).file("compose.override.yml", &file(over, "    attach: true\n"));
    service(&case)
}

fn service(case: &Case) -> Value {
    let mut service = printed(case).unwrap()["services"]["web"].take();
    let entries = service.as_object_mut().unwrap();
    entries.retain(|key, value| !value.is_null() && !["attach", "image", "networks"].contains(&key.as_str()));
    service
}

#[test]
fn mappings_are_merged_and_scalars_replaced() {
    let expected = json!({"hostname": "h", "user": "b", "labels": {"a": "1", "b": "3", "c": "4"}});
    assert_eq!(merged("user: a\nhostname: h\nlabels: {a: 1, b: 2}", "user: b\nlabels: [b=3, c=4]"), expected);
}

#[test]
fn null_keeps_what_is_there() {
    let expected =
        json!({"user": "a", "labels": {"a": "1"}, "ports": [{"mode": "ingress", "protocol": "tcp", "target": 1}]});
    assert_eq!(merged("user: a\nlabels: {a: 1}\nports: [1]", "user:\nlabels:\nports:"), expected);
}

#[test]
fn null_takes_a_command_and_a_variable_away() {
    let expected = json!({"environment": {"A": null, "B": "2"}});
    assert_eq!(merged("command: a\nenvironment: {A: 1, B: 2}", "command:\nenvironment: {A: }"), expected);
}

#[test]
fn command_and_probe_are_replaced() {
    assert_eq!(
        merged("command: a 'b c'\nhealthcheck: {test: x, interval: 1s}", "command: [d]\nhealthcheck: {test: [CMD, y]}"),
        json!({"command": ["d"], "healthcheck": {"interval": "1s", "test": ["CMD", "y"]}})
    );
}

#[test]
fn short_and_long_forms_of_the_same_port_are_one() {
    let ports = merged(
        "ports: ['8080:80', '127.0.0.1:1:1']",
        "ports: ['8081:80', '8080:80', {target: 1, published: 1, host_ip: 127.0.0.1}, '8080:80/udp']",
    );
    let ports: Vec<String> = ports["ports"].as_array().unwrap().iter().map(port).collect();
    assert_eq!(ports, ["8080:80/tcp", "127.0.0.1:1:1/tcp", "8081:80/tcp", "8080:80/udp"]);
}

/// A port in its short form.
fn port(long: &Value) -> String {
    let text = |key: &str| long[key].as_str().unwrap_or_default();
    let address = if text("host_ip").is_empty() { String::new() } else { format!("{}:", text("host_ip")) };
    format!("{address}{}:{}/{}", text("published"), long["target"], text("protocol"))
}

#[test]
fn mounts_are_unique_by_target() {
    let service = merged(
        "volumes: ['a:/data', './x:/x']\ntmpfs: /t\nsecrets: [s]",
        "volumes: ['b:/data:ro']\ntmpfs: ['/t:size=1m']\nsecrets: [{source: t, target: s}]",
    );
    assert_eq!(service["secrets"], json!([{"source": "t", "target": "s"}]));
    assert_eq!(service["tmpfs"], json!(["/t:size=1m"]));
    assert_eq!(
        service["volumes"],
        json!([
            {"type": "volume", "source": "b", "target": "/data", "read_only": true, "volume": {}},
            {"type": "bind", "source": "/shop/x", "target": "/x", "bind": {"create_host_path": true}},
        ])
    );
}

#[test]
fn lists_are_appended_without_repeats() {
    assert_eq!(
        merged(
            "dns: 1.1.1.1\ncap_add: [A]\nextra_hosts: ['h=1.1.1.1']\nulimits: {nofile: 1}",
            "dns: [1.1.1.1, 8.8.8.8]\ncap_add: [B]\nextra_hosts: {h: 2.2.2.2}\nulimits: {nofile: {soft: 2, hard: 3}}"
        ),
        json!({
            "dns": ["1.1.1.1", "8.8.8.8"],
            "cap_add": ["A", "B"],
            "extra_hosts": ["h=1.1.1.1", "h=2.2.2.2"],
            "ulimits": {"nofile": {"soft": 2, "hard": 3}},
        })
    );
}

#[test]
fn reset_removes_and_override_replaces() {
    let base = "user: a\nports: ['1:1', '2:2']\nlabels: {a: 1, b: 2}\ndns: [1.1.1.1]";
    let over = "user: !reset null\nports: !override ['3:3']\nlabels: {a: !reset null}\ndns: !reset []";
    let mut service = merged(base, over);
    assert_eq!(port(&service["ports"].take()[0]), "3:3/tcp");
    assert_eq!(service, json!({"labels": {"b": "2"}, "ports": null}));
    // In the first file there is nothing to remove or replace but what it gives itself.
    assert_eq!(
        merged("user: !reset a\nlabels: !override {a: !reset 1, b: 2}", "init: true"),
        json!({"init": true, "labels": {"b": "2"}})
    );
}

#[test]
fn reset_removes_whole_elements() {
    let case = Case::new("services: {web: {image: x}, db: {image: y}}\nnetworks: {n: {driver: a}}\n")
        .file("compose.override.yaml", "services: {db: !reset null}\nnetworks: !reset null\n")
        .with(|options| options.all_resources = true);
    let project = printed(&case).unwrap();
    assert!(project["services"].get("db").is_none());
    assert_eq!(project["networks"], json!({"default": {"name": "shop_default", "ipam": {}}}));
}

#[test]
fn tags_reach_through_aliases() {
    let over = "x-ports: &ports !override ['9:9']\nservices: {web: {ports: *ports}}\n";
    let case = Case::new("services: {web: {image: x, ports: ['1:1']}}").file("compose.override.yaml", over);
    assert_eq!(port(&service(&case)["ports"][0]), "9:9/tcp");
}

#[test]
fn another_kind_of_value_is_a_mistake_in_the_later_file() {
    let base = "services: {web: {image: x, logging: {options: {a: b}}}}\nx-a: {b: 1}\n";
    let case = Case::new(base).file("compose.override.yaml", "x-a: [1]\n");
    insta::assert_snapshot!(case.shown(), @"
    error: cannot override a mapping with a list
     --> compose.override.yaml:1:6
      |
    1 | x-a: [1]
      |      ^^^
      |
     ::: compose.yaml:2:6
      |
    2 | x-a: {b: 1}
      |      ------ first given here
    ");
}

#[test]
fn paths_of_all_files_are_relative_to_the_first() {
    let case = Case::new("")
        .file("a.yaml", "services: {web: {image: x}}")
        .file("sub/b.yaml", "services: {web: {volumes: ['./d:/d']}}");
    let case = case.with(|options| options.files = vec!["a.yaml".into(), "sub/b.yaml".into()]);
    assert_eq!(service(&case)["volumes"][0]["source"], "/shop/d");
}

#[test]
fn the_same_file_twice_is_that_file() {
    let text = "services: {web: {image: x, ports: ['1:1'], dns: a, labels: {a: b}, cap_add: [A]}}";
    let case = Case::new(text).with(|options| options.files = vec!["compose.yaml".into(), "compose.yaml".into()]);
    assert_eq!(service(&case), service(&Case::new(text)));
}
