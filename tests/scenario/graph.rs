//! `graph`: the stack as a picture.

use crate::support::Sandbox;

const SHOP: &str = "
services:
  db:
    image: rootfs:/
    init: true
    command: [sleep, '1000']
    healthcheck: {test: 'true'}
    volumes: ['data:/data']
  web:
    image: rootfs:/
    init: true
    command: [sleep, '1000']
    ports: ['127.0.0.1:8080:80']
    depends_on: {db: {condition: service_healthy}}
  job: {image: 'rootfs:/', command: ['false']}
volumes: {data: {}}
";

#[test]
fn the_file_is_drawn_without_any_container() {
    let sandbox = Sandbox::new("graph");
    let stack = sandbox.stack("shop", SHOP);
    let svg = stack.rcompose(&["graph"]).succeeds().prints(&[
        "<svg ",
        ">web</text>",
        ">127.0.0.1:8080 → 80/tcp</text>",
        ">data at /data</text>",
        "<title>web needs db: healthy</title>",
        "prefers-color-scheme",
    ]);
    assert!(!svg.stdout.contains("not created"), "{svg}");
    assert_eq!(stack.rcompose(&["graph"]).stdout, svg.stdout, "the same each time");
    stack
        .rcompose(&["graph", "--format", "dot"])
        .succeeds()
        .prints(&[r#""service web" -> "service db" [label="healthy"]"#]);
    stack.rcompose(&["graph", "--format", "mermaid"]).succeeds().prints(&["flowchart LR", "-->|healthy| s0"]);
}

#[test]
fn what_runs_is_drawn_as_it_does() {
    let sandbox = Sandbox::new("graph-live");
    let stack = sandbox.stack("shop", SHOP);
    stack.rcompose(&["up", "-d", "--wait", "web"]).succeeds();
    stack.rcompose(&["graph"]).succeeds().prints(&[
        "box good",
        ">healthy</text>",
        ">running</text>",
        ">not created</text>",
    ]);
    stack.rcompose(&["stop", "-t", "0"]).succeeds();
    stack.rcompose(&["graph", "--format", "dot"]).succeeds().prints(&["exited (137)", "color=red"]);
}

#[test]
fn named_services_are_drawn_with_what_they_need() {
    let sandbox = Sandbox::new("graph-some");
    let stack = sandbox.stack("shop", SHOP);
    let file = sandbox.path().join("stack.mmd");
    stack.rcompose(&["graph", "-o", file.to_str().unwrap(), "web"]).succeeds();
    let text = fs_err::read_to_string(file).unwrap();
    assert!(text.contains("<b>web</b>") && text.contains("<b>db</b>") && !text.contains("<b>job</b>"), "{text}");
    stack.rcompose(&["graph", "wbe"]).fails_with(1).says(&["no such service", "web"]);
}
