//! `ps` for programs: the fields that docker compose prints.

use serde_json::{Value, json};

use crate::support::Sandbox;

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
    // `once` has ended, which fails the wait.
    stack.rcompose(&["up", "-d", "--wait"]).fails_with(1).says(&["once"]);
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

    let once = stack.container("once");
    assert_eq!((&*once.state, once.exit_code), ("exited", 3));
    stack.rcompose(&["ps", "--status", "exited", "--services"]).succeeds().prints(&["once"]);
}
