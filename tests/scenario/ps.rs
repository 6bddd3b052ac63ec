//! `ps` for programs: the fields that docker compose prints.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Sandbox, eventually};

#[test]
fn json_has_docker_composes_fields() {
    let sandbox = Sandbox::new("ps");
    let stack = sandbox.stack(
        "listed",
        "
services:
  web:
    image: rootfs:/
    init: true
    command: [sleep, '1000']
    ports: ['127.0.0.1:8080:80']
    labels: {tier: front}
    volumes: ['data:/data']
    healthcheck: {test: [CMD, 'true'], interval: 1h}
  once: {image: 'rootfs:/', command: [sh, -c, exit 3]}
volumes: {data: {}}
",
    );
    stack.rcompose(&["up", "-d", "--wait", "web"]).succeeds();
    stack.rcompose(&["up", "-d", "once"]).succeeds();
    eventually("the end of once", Duration::from_secs(10), || {
        (stack.container("once").state == "exited").then_some(())
    });
    let output = stack.rcompose(&["ps", "--format", "json"]).succeeds().stdout;
    let rows: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [web] = &rows[..] else { panic!("only what runs: {output}") };
    for (field, value) in [
        ("Name", json!("listed-web-1")),
        ("Service", json!("web")),
        ("Project", json!("listed")),
        ("Image", json!("rootfs:/")),
        ("State", json!("running")),
        ("Health", json!("healthy")),
        ("ExitCode", json!(0)),
        ("Mounts", json!("listed_data")),
        ("LocalVolumes", json!("1")),
        ("Networks", json!("listed_default")),
        ("Ports", json!("127.0.0.1:8080->80/tcp")),
        ("Publishers", json!([{"URL": "127.0.0.1", "TargetPort": 80, "PublishedPort": 8080, "Protocol": "tcp"}])),
    ] {
        assert_eq!(web[field], value, "{field} of {output}");
    }
    assert!(web["Status"].as_str().unwrap().starts_with("Up "), "{output}");
    assert!(web["Labels"].as_str().unwrap().contains("tier=front"), "{output}");
    assert_eq!(web["ID"].as_str().unwrap().len(), 12);

    assert_eq!(stack.container("once").exit_code, 3);
    stack.rcompose(&["ps", "--status", "exited", "--services"]).succeeds().prints(&["once"]);
}
