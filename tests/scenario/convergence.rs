//! What a second `up` does about what has changed, and what it says of it.

use std::process::Command;

use crate::support::{Sandbox, Stack, Terminal};

const STACK: &str = "
services:
  web:
    image: 'rootfs:/'
    init: true
    command: [sleep, '1000']
    environment: {COLOUR: red}
    networks: [front]
    secrets: [password]
    configs: [conf]
  db: {image: 'rootfs:/', init: true, command: [sleep, '1000']}
secrets: {password: {file: ./password}}
configs: {conf: {file: ./conf}}
networks: {front: {}}
";

#[test]
fn up_says_which_fields_have_changed() {
    let sandbox = Sandbox::new("fields");
    let stack = sandbox.stack("told", STACK);
    sandbox.file("told/password", "a");
    sandbox.file("told/conf", "a");
    let first = stack.rcompose(&["up", "-d"]).succeeds();
    assert!(!first.stderr.contains("recreate"), "{first}");
    let db = stack.container("db");

    stack.rewrite(
        &STACK.replace("red", "blue").replace("'1000']\n    env", "'2000']\n    stop_grace_period: 1s\n    env"),
    );
    let fields = "command, environment.COLOUR, stop_grace_period";
    let dry = stack.rcompose(&["up", "--dry-run"]).succeeds();
    dry.prints(&[&format!("create container web-1 (configuration changed: {fields})")]);
    stack.rcompose(&["up", "-d"]).succeeds().says(&[&format!("recreate web: {fields}")]);
    assert_eq!(stack.container("db"), db, "the other one has not been touched");

    stack.rewrite(&STACK.replace("{front: {}}", "{front: {internal: true}}"));
    let outcome = stack.rcompose(&["up", "-d"]).succeeds();
    outcome.says(&["recreate network front: internal", "recreate web:"]);
    assert_eq!(stack.container("db"), db);
}

#[test]
fn other_content_of_a_config_or_secret_is_another_container() {
    let sandbox = Sandbox::new("content");
    let stack = sandbox.stack("held", STACK);
    let password = sandbox.file("held/password", "a");
    sandbox.file("held/conf", "a");
    stack.rcompose(&["up", "-d"]).succeeds();
    let (web, db) = (stack.container("web"), stack.container("db"));
    let hash = |service: &str| stack.rcompose(&["config", "--hash", service]).succeeds().stdout;
    let hashes = (hash("web"), hash("db"));

    // The same content, written again, is no change.
    sandbox.file("held/password", "a");
    stack.rcompose(&["up", "-d"]).succeeds();
    assert_eq!(stack.container("web"), web);

    sandbox.file("held/password", "b");
    assert_ne!(hash("web"), hashes.0);
    assert_eq!(hash("db"), hashes.1);
    stack.rcompose(&["up", "-d"]).succeeds().says(&["recreate web: secrets.password (content)"]);
    assert_ne!(stack.container("web").id, web.id);
    stack.rcompose(&["exec", "-T", "web", "cat", "/run/secrets/password"]).succeeds().prints(&["b"]);
    sandbox.file("held/conf", "b");
    stack.rcompose(&["up", "-d"]).succeeds().says(&["recreate web: configs.conf (content)"]);
    assert_eq!(stack.container("db"), db, "the other one has not been touched");

    // A file that is gone is none that has changed: what runs goes on, and whoever needs it says what is missing.
    let web = stack.container("web");
    fs_err::remove_file(password).unwrap();
    stack.rcompose(&["up", "-d"]).succeeds();
    assert_eq!(stack.container("web"), web);
    stack.rcompose(&["up", "-d", "--force-recreate", "web"]).fails_with(1).says(&["password", "does not exist"]);
}

const KEEPER: &str = "
services:
  keeper: {image: 'rootfs:/', init: true, command: [sleep, '1000'], volumes: ['data:/data']}
  other: {image: 'rootfs:/', init: true, command: [sleep, '1000']}
volumes: {data: {labels: {tier: one}}}
";

/// `up -d` at a terminal, with an answer to what it asks.
fn answered(sandbox: &Sandbox, stack: &Stack<'_>, answer: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rcompose"));
    command.args(["-p", "kept", "-f"]).arg(stack.file()).args(["--progress", "plain", "up", "-d"]);
    sandbox.equip(&mut command);
    let mut terminal = Terminal::spawn(&command);
    terminal.shows("kept_data is not what the file says (labels.tier)");
    terminal.types(answer);
    assert!(terminal.wait().success(), "{}", terminal.shown());
    terminal.shown()
}

#[test]
fn a_changed_volume_is_made_anew_only_with_a_yes() {
    let sandbox = Sandbox::new("volume-changed");
    let stack = sandbox.stack("kept", KEEPER);
    stack.rcompose(&["up", "-d"]).succeeds();
    let inside = |script: &str| stack.rcompose(&["exec", "-T", "keeper", "sh", "-c", script]);
    inside("echo kept > /data/file").succeeds();
    let (keeper, other) = (stack.container("keeper"), stack.container("other"));
    let label = || stack.rcompose(&["volumes", "--format", "{{.Name}} {{.Labels}}"]).succeeds().stdout;

    stack.rewrite(&KEEPER.replace("one", "two"));
    let left = "kept_data is not what the file says (labels.tier), and stays as it is";
    stack.rcompose(&["up", "-d"]).succeeds().says(&[left]);
    stack.rcompose(&["up", "-d", "--dry-run"]).succeeds().says(&[left]);
    answered(&sandbox, &stack, "\r");
    inside("cat /data/file").succeeds().prints(&["kept"]);
    assert_eq!(stack.container("keeper"), keeper);
    assert!(label().contains("tier=one"), "{}", label());

    answered(&sandbox, &stack, "y\r");
    inside("cat /data/file").fails_with(1).says(&["No such file"]);
    assert!(label().contains("tier=two"), "{}", label());
    assert_ne!(stack.container("keeper").id, keeper.id);
    assert_eq!(stack.container("other"), other, "who does not have it mounted has not been touched");

    stack.rewrite(&KEEPER.replace("one", "three"));
    inside("echo kept > /data/file").succeeds();
    stack.rcompose(&["up", "-d", "-y"]).succeeds().says(&["recreate volume data: labels.tier"]);
    inside("cat /data/file").fails_with(1);
    assert!(label().contains("tier=three"), "{}", label());
    let again = stack.rcompose(&["up", "-d"]).succeeds();
    assert!(!again.stderr.contains("is not what the file says"), "{again}");
}

#[test]
fn a_volume_of_another_name_is_another_volume() {
    let sandbox = Sandbox::new("volume-renamed");
    let stack = sandbox.stack("kept", KEEPER);
    stack.rcompose(&["up", "-d"]).succeeds();
    let inside = |script: &str| stack.rcompose(&["exec", "-T", "keeper", "sh", "-c", script]);
    inside("echo kept > /data/file").succeeds();
    stack.rewrite(&KEEPER.replace("{labels", "{name: elsewhere, labels"));
    stack.rcompose(&["up", "-d"]).succeeds().says(&["recreate keeper: volumes.data.name"]);
    inside("cat /data/file").fails_with(1).says(&["No such file"]);
    stack.rewrite(KEEPER);
    stack.rcompose(&["up", "-d"]).succeeds();
    inside("cat /data/file").succeeds().prints(&["kept"]);
}

#[test]
fn compatibility_names_as_compose_1_did() {
    let sandbox = Sandbox::new("compatibility");
    let stack = sandbox
        .stack("old", "services: {web: {image: 'rootfs:/', init: true, command: [sh, -c, 'echo here; sleep 1000']}}");
    let names = || stack.rcompose(&["ps", "-a", "--format", "{{.Name}}"]).succeeds().stdout;
    stack.rcompose(&["--compatibility", "up", "-d"]).succeeds();
    assert_eq!(names(), "old_web_1\n");
    // Who is there keeps its name, whichever way the command would call it.
    let web = stack.container("web");
    stack.rcompose(&["up", "-d"]).succeeds();
    assert_eq!(stack.container("web"), web);
    stack.rcompose(&["up", "-d", "--scale", "web=2"]).succeeds();
    assert_eq!(names(), "old-web-2\nold_web_1\n");
    stack.rcompose(&["down"]).succeeds();

    sandbox.file("old/.env", "COMPOSE_COMPATIBILITY=1\n");
    stack.rewrite("services: {web: {build: .}, db: {image: 'rootfs:/', init: true, command: [sleep, '1000']}}");
    let images = stack.rcompose(&["config", "--images"]).succeeds().stdout;
    assert!(images.contains("old_web"), "{images}");
    stack.rcompose(&["up", "-d", "db"]).succeeds();
    assert_eq!(names(), "old_db_1\n");
}

/// Each service does something, as it is started, that no other may do at the same time.
const CROWD: &str = "
x-service: &service
  image: rootfs:/
  init: true
  command: [sleep, '1000']
  volumes: ['./shared:/shared']
  post_start:
    - command: [sh, -c, 'mkdir /shared/lock || touch /shared/clash; sleep 0.3; rmdir /shared/lock; touch /shared/done']
services:
  one: *service
  two: *service
  three: *service
  last:
    <<: *service
    healthcheck: {test: 'true'}
    depends_on: {one: {condition: service_started}}
  after: {image: 'rootfs:/', init: true, command: [sleep, '1000'], depends_on: {last: {condition: service_healthy}}}
";

#[test]
fn no_more_is_done_at_once_than_parallel_says() {
    let sandbox = Sandbox::new("parallel");
    let stack = sandbox.stack("crowd", CROWD);
    sandbox.file("crowd/shared/keep", "");
    let shared = |name: &str| sandbox.path().join("crowd/shared").join(name);
    stack.rcompose(&["--parallel", "1", "up", "-d", "--wait"]).succeeds();
    assert!(shared("done").exists() && !shared("clash").exists());
    stack.rcompose(&["--parallel", "1", "restart", "-t", "1"]).succeeds();
    assert!(stack.containers().iter().all(|container| container.state == "running"));
    stack.rcompose(&["--parallel", "1", "down"]).succeeds();
    fs_err::remove_file(shared("done")).unwrap();
    sandbox.file("crowd/.env", "COMPOSE_PARALLEL_LIMIT=1\n");
    stack.rcompose(&["up", "-d", "--wait"]).succeeds();
    assert!(shared("done").exists() && !shared("clash").exists());
}
