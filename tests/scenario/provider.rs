//! `provider` and `models`: what a service has from programs of the machine.

use std::os::unix::fs::PermissionsExt as _;

use crate::support::Sandbox;

/// A provider that notes how it was called.
const PROVIDER: &str = r#"#!/bin/sh
[ "$2" = metadata ] && exit 1
echo "$@" >> "$HOME/calls"
case "$*" in
*fail*) echo '{"type": "error", "message": "no quota"}'; exit 1 ;;
*" up "*) echo '{"type": "info", "message": "making it"}'
          echo '{"type": "setenv", "message": "URL=db://x"}' ;;
esac
"#;

fn install(sandbox: &Sandbox) {
    let program = sandbox.file(".docker/cli-plugins/docker-cloud", PROVIDER);
    fs_err::set_permissions(program, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_provider_has_the_service_and_tells_its_dependents() {
    let sandbox = Sandbox::new("provider");
    install(&sandbox);
    let stack = sandbox.stack(
        "provided",
        "
services:
  my-db: {provider: {type: cloud, options: {size: [1, 2]}}}
  web: {image: 'rootfs:/', init: true, command: [sleep, '1000'], depends_on: [my-db]}
  other: {image: 'rootfs:/', init: true, command: [sleep, '1000']}
",
    );
    stack.rcompose(&["up", "-d"]).succeeds().says(&["my-db: making it"]);
    let variable = |service| stack.rcompose(&["exec", "-T", service, "printenv", "MY_DB_URL"]);
    assert_eq!(variable("web").succeeds().stdout, "db://x\n");
    variable("other").fails_with(1);
    // What it says is a part of what `web` is: the same again changes nothing.
    let before = stack.container("web").id;
    stack.rcompose(&["up", "-d"]).succeeds();
    assert_eq!(stack.container("web").id, before);
    stack.rcompose(&["down"]).succeeds();
    let calls = fs_err::read_to_string(sandbox.path().join("calls")).unwrap();
    let up = "compose --project-name provided up --size=1 --size=2 my-db\n";
    assert_eq!(calls, format!("{up}{up}compose --project-name provided down --size=1 --size=2 my-db\n"));
}

#[test]
fn providers_come_after_what_they_depend_on_and_before_what_depends_on_them() {
    let sandbox = Sandbox::new("provider-order");
    // Says whether the database is ready, which it asks of its container.
    let program = sandbox.file(
        ".docker/cli-plugins/docker-cloud",
        "#!/bin/sh\n[ \"$2\" = metadata ] && exit 1\n\
         case \"$*\" in *' up '*) echo \"{\\\"type\\\": \\\"setenv\\\", \\\"message\\\": \\\"STATE=$(cat \"$HOME/state\")\\\"}\" ;; esac\n\
         echo \"$4 $5\" >> \"$HOME/calls\"\n",
    );
    fs_err::set_permissions(program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let stack = sandbox.stack(
        "ordered",
        "
services:
  db:
    image: rootfs:/
    init: true
    command: [sh, -c, 'echo ready > /home/state; exec sleep 1000']
    volumes: ['..:/home']
    healthcheck: {test: [CMD, test, -e, /home/state], interval: 100ms}
  app: {image: 'rootfs:/', init: true, command: [sleep, '1000'], depends_on: [a-queue]}
  a-queue: {provider: {type: cloud}, depends_on: [z-cluster]}
  z-cluster: {provider: {type: cloud}, depends_on: {db: {condition: service_healthy}}}
",
    );
    stack.rcompose(&["up", "-d"]).succeeds();
    let told = stack.rcompose(&["exec", "-T", "app", "printenv", "A_QUEUE_STATE"]).succeeds().stdout;
    assert_eq!(told, "ready\n");
    stack.rcompose(&["down"]).succeeds();
    let calls = fs_err::read_to_string(sandbox.path().join("calls")).unwrap();
    assert_eq!(calls, "up z-cluster\nup a-queue\ndown a-queue\ndown z-cluster\n");
}

#[test]
fn one_that_fails_or_is_not_there_is_named() {
    let sandbox = Sandbox::new("no-provider");
    install(&sandbox);
    let stack = sandbox.stack("failing", "services: {db: {provider: {type: cloud, options: {mode: fail}}}}");
    stack.rcompose(&["up", "-d"]).fails_with(1).says(&["provider `cloud` of service `db` failed: no quota"]);
    stack.rewrite("services: {db: {provider: {type: nowhere}}}");
    stack.rcompose(&["up", "-d"]).fails_with(1).says(&["no provider `nowhere` for service `db`", "hint: install it"]);
    stack.rewrite("services: {db: {provider: {type: cloud}}}");
}

#[test]
fn models_are_on_a_server_that_the_user_names() {
    let sandbox = Sandbox::new("models");
    let stack = sandbox.stack(
        "thinking",
        "
services:
  web: {image: 'rootfs:/', init: true, command: [sleep, '1000'], models: [llm]}
models: {llm: {model: ai/smollm2}}
",
    );
    stack.rcompose(&["up", "-d"]).fails_with(1).says(&["service `web` uses the model `llm`", "`[models]`"]);
    sandbox.file("config.toml", "[models]\nendpoint = \"http://10.1.2.3:8080/v1\"\n");
    stack.rcompose(&["up", "-d"]).succeeds();
    let variables = stack.rcompose(&["exec", "-T", "web", "printenv", "LLM_URL", "LLM_MODEL"]).succeeds().stdout;
    assert_eq!(variables, "http://10.1.2.3:8080/v1\nai/smollm2\n");
}

#[test]
fn the_time_of_what_a_provider_needs_is_told_too() {
    let sandbox = Sandbox::new("provider-timings");
    install(&sandbox);
    let stack = sandbox.stack(
        "timed",
        "
services:
  db: {image: 'rootfs:/', init: true, command: [sleep, '1000']}
  my-queue: {provider: {type: cloud}, depends_on: [db]}
  web: {image: 'rootfs:/', init: true, command: [sleep, '1000'], depends_on: [my-queue]}
",
    );
    let file = sandbox.path().join("up.json");
    stack.rcompose(&["up", "-d", &format!("--timings={}", file.display())]).succeeds();
    let timings: serde_json::Value = serde_json::from_str(&fs_err::read_to_string(file).unwrap()).unwrap();
    let mut spans = timings["spans"].as_array().unwrap().iter();
    let place = |of: &str, kind: &str, spans: &mut std::slice::Iter<'_, serde_json::Value>| {
        spans
            .position(|span| span["of"] == of && span["kind"] == kind)
            .unwrap_or_else(|| panic!("{of} {kind}: {timings:#}"))
    };
    for (of, kind) in [("db", "create"), ("db", "start"), ("web", "create"), ("web", "start")] {
        // In this order: each is looked for behind the one before.
        place(of, kind, &mut spans);
    }
    place("my-queue", "provide", &mut timings["spans"].as_array().unwrap().iter());
}
