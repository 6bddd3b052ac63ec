//! `create`, `scale`, and how `up` makes containers.

use crate::support::{Sandbox, Stack};

const STACK: &str = "
services:
  web: {image: 'rootfs:/', init: true, command: [sleep, '1000'], volumes: [/data], depends_on: [db]}
  db: {image: 'rootfs:/', init: true, command: [sleep, '1000']}
";

fn states(stack: &Stack<'_>) -> Vec<String> {
    stack.containers().into_iter().map(|container| format!("{} {}", container.service, container.state)).collect()
}

fn id(stack: &Stack<'_>, service: &str) -> String {
    stack.container(service).id
}

#[test]
fn create_starts_nothing() {
    let sandbox = Sandbox::new("create");
    let stack = sandbox.stack("made", STACK);
    stack.rcompose(&["create", "--scale", "web=2"]).succeeds().says(&["made-web-2", "Created"]);
    assert_eq!(states(&stack), ["db created", "web created", "web created"]);
    let db = id(&stack, "db");
    stack.rcompose(&["create", "--scale", "web=1"]).succeeds();
    assert_eq!(states(&stack), ["db created", "web created"]);
    stack.rcompose(&["create", "--no-recreate", "db"]).succeeds();
    assert_eq!(id(&stack, "db"), db);
    stack.rcompose(&["create", "--force-recreate", "db"]).succeeds();
    assert_ne!(id(&stack, "db"), db);
    stack.rcompose(&["start"]).succeeds();
    assert_eq!(states(&stack), ["db running", "web running"]);
    stack.rcompose(&["down", "-v"]).succeeds();
    stack.rcompose(&["up", "--no-start"]).succeeds();
    assert_eq!(states(&stack), ["db created", "web created"]);
}

#[test]
fn scale_changes_the_number_of_containers_and_nothing_else() {
    let sandbox = Sandbox::new("scale-command");
    let stack = sandbox.stack("many", STACK);
    stack.rcompose(&["up", "-d"]).succeeds();
    let (db, first) = (id(&stack, "db"), id(&stack, "web"));
    stack.rcompose(&["scale", "web=3"]).succeeds().says(&["many-web-3", "Started"]);
    assert_eq!(states(&stack), ["db running", "web running", "web running", "web running"]);
    stack.rcompose(&["scale", "web=1"]).succeeds();
    assert_eq!((id(&stack, "web"), id(&stack, "db")), (first, db));
    stack.rcompose(&["scale", "--no-deps", "web=0", "db=0"]).succeeds();
    assert!(stack.containers().is_empty());
    stack.rcompose(&["scale", "--no-deps", "web=1"]).succeeds();
    assert_eq!(states(&stack), ["web running"]);
    stack.rcompose(&["scale", "web"]).fails_with(1).says(&["SERVICE=NUMBER"]);
    stack.rcompose(&["scale", "wbe=2"]).fails_with(1).says(&["no such service: wbe", "did you mean `web`?"]);
}

#[test]
fn dependencies_are_recreated_when_asked() {
    let sandbox = Sandbox::new("recreate-deps");
    let stack = sandbox.stack("renewed", STACK);
    stack.rcompose(&["up", "-d"]).succeeds();
    let (db, web) = (id(&stack, "db"), id(&stack, "web"));
    stack.rcompose(&["up", "-d", "--force-recreate", "web"]).succeeds();
    assert_eq!(id(&stack, "db"), db);
    let renewed = id(&stack, "web");
    assert_ne!(renewed, web);
    stack.rcompose(&["up", "-d", "--always-recreate-deps", "web"]).succeeds();
    assert_ne!(id(&stack, "db"), db);
    assert_eq!(id(&stack, "web"), renewed);
}

#[test]
fn anonymous_volumes_are_carried_over_unless_they_are_to_be_new() {
    let sandbox = Sandbox::new("renew-volumes");
    let stack = sandbox.stack("renewed", STACK);
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.rcompose(&["exec", "-T", "web", "touch", "/data/kept"]).succeeds();
    stack.rcompose(&["up", "-d", "--force-recreate"]).succeeds();
    stack.rcompose(&["exec", "-T", "web", "test", "-e", "/data/kept"]).succeeds();
    stack.rcompose(&["up", "-d", "--force-recreate", "-V"]).succeeds();
    stack.rcompose(&["exec", "-T", "web", "test", "-e", "/data/kept"]).fails_with(1);
    assert_eq!(fs_err::read_dir(sandbox.path().join("root/volumes")).unwrap().count(), 1, "the old one is gone");
    stack.rcompose(&["down", "-v"]).succeeds();
}

#[test]
fn orphans_are_passed_over_in_silence_when_asked() {
    let sandbox = Sandbox::new("ignore-orphans");
    let stack = sandbox.stack("shrunk", STACK);
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.rewrite("services: {db: {image: 'rootfs:/', init: true, command: [sleep, '1000']}}");
    stack.rcompose(&["up", "-d"]).succeeds().says(&["shrunk-web-1"]);
    let ignoring = |arguments: &[&str]| {
        let mut command = sandbox.command();
        command.args(["-p", "shrunk", "-f"]).arg(stack.file()).args(arguments).env("COMPOSE_IGNORE_ORPHANS", "1");
        sandbox.run(command)
    };
    assert!(!ignoring(&["up", "-d"]).succeeds().stderr.contains("orphan"));
    ignoring(&["up", "-d", "--remove-orphans"]).fails_with(1).says(&["cannot be combined with --remove-orphans"]);
    stack.rcompose(&["down", "--remove-orphans", "-v"]).succeeds();
}

#[test]
fn what_env_says_of_orphans_counts() {
    let sandbox = Sandbox::new("env-orphans");
    let stack = sandbox.stack("shrunk", STACK);
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.rewrite("services: {db: {image: 'rootfs:/', init: true, command: [sleep, '1000']}}");
    sandbox.file("shrunk/.env", "COMPOSE_IGNORE_ORPHANS=true\n");
    let ignoring = stack.rcompose(&["up", "-d"]).succeeds();
    assert!(!ignoring.stderr.contains("orphan"), "{ignoring}");
    stack.rcompose(&["up", "-d", "--remove-orphans"]).fails_with(1).says(&["cannot be combined with --remove-orphans"]);
    sandbox.file("shrunk/.env", "COMPOSE_REMOVE_ORPHANS=true\n");
    stack.rcompose(&["up", "-d"]).succeeds();
    assert_eq!(states(&stack), ["db running"]);
    sandbox.file("shrunk/.env", "COMPOSE_PARALLEL_LIMIT=many\n");
    stack.rcompose(&["up", "-d"]).fails_with(1).says(&["COMPOSE_PARALLEL_LIMIT must be an integer"]);
    sandbox.file("shrunk/.env", "");
    stack.rcompose(&["down", "-v"]).succeeds();
}

#[test]
fn what_named_services_need_is_shown_when_asked() {
    let sandbox = Sandbox::new("attach-deps");
    let stack = sandbox.stack(
        "shown",
        "
services:
  web: {image: 'rootfs:/', command: [echo, from-web], depends_on: [db, quiet]}
  db: {image: 'rootfs:/', command: [echo, from-db]}
  quiet: {image: 'rootfs:/', command: [echo, from-quiet], attach: false}
  other: {image: 'rootfs:/', command: [echo, from-other]}
",
    );
    let shown = stack.rcompose(&["up", "web"]).succeeds().stdout;
    assert!(shown.contains("from-web") && !shown.contains("from-db"), "{shown}");
    let shown = stack.rcompose(&["up", "--attach-dependencies", "web"]).succeeds().stdout;
    assert!(shown.contains("from-web") && shown.contains("from-db"), "{shown}");
    assert!(!shown.contains("from-quiet") && !shown.contains("from-other"), "{shown}");
}
