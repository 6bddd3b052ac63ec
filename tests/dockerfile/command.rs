//! `build`, and what other commands have to do with it.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::image::Stored;
use crate::support::{Sandbox, Stack, eventually};

/// A service that is built from a Dockerfile beside the Compose file, and writes what is in `/greeting`.
fn greeter<'a>(sandbox: &'a Sandbox, more: &str) -> Stack<'a> {
    let compose =
        format!("services: {{app: {{build: {{context: ., network: none}}, network_mode: none, init: true{more}}}}}\n");
    let stack = sandbox.stack("app", &compose);
    write(
        &stack,
        "Dockerfile",
        "FROM rootfs:/\nCOPY greeting /\nCMD [\"sh\", \"-c\", \"cat /greeting; sleep 1000\"]\n",
    );
    write(&stack, "greeting", "hello\n");
    stack
}

fn write(stack: &Stack<'_>, name: &str, text: &str) {
    fs_err::write(stack.file().parent().unwrap().join(name), text).unwrap();
}

#[test]
fn up_builds_what_is_missing_and_says_what_has_changed() {
    let sandbox = Sandbox::new("up-build");
    let stack = greeter(&sandbox, "");
    stack.rcompose(&["up", "-d", "--no-build"]).fails_with(1).says(&["nothing is to be built"]);
    stack.rcompose(&["up", "-d"]).succeeds().says(&["[2/2] COPY greeting /"]);
    stack.logs_show("app", "hello");
    let before = stack.container("app").id;
    let again = stack.rcompose(&["up", "-d"]).succeeds();
    assert!(!again.stderr.contains("COPY") && !again.stderr.contains("--build"), "{again}");
    write(&stack, "greeting", "good day\n");
    stack.rcompose(&["up", "-d"]).succeeds().says(&["`app`", "changed", "--build"]);
    assert_eq!(stack.container("app").id, before, "and leaves it");
    stack.rcompose(&["up", "-d", "--build"]).succeeds();
    stack.logs_show("app", "good day");
    assert_ne!(stack.container("app").id, before);
}

#[test]
fn a_policy_builds_each_time() {
    let sandbox = Sandbox::new("policy-build");
    let stack = greeter(&sandbox, ", pull_policy: build");
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.logs_show("app", "hello");
    write(&stack, "greeting", "good day\n");
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.logs_show("app", "good day");
}

#[test]
fn create_builds_too() {
    let sandbox = Sandbox::new("create-build");
    let stack = greeter(&sandbox, "");
    stack.rcompose(&["create", "--build"]).succeeds().says(&["COPY greeting"]);
    assert_eq!(stack.container("app").state, "created");
}

#[test]
fn names_and_labels() {
    let sandbox = Sandbox::new("build-names");
    let compose =
        "services:\n  app:\n    image: own/app:2\n    build: {context: ., tags: ['other:3'], labels: {a: b}}\n";
    let stack = sandbox.stack("shop", compose);
    write(&stack, "Dockerfile", "FROM scratch\nCOPY Dockerfile /\n");
    stack.rcompose(&["build"]).succeeds();
    let image = Stored::find(&sandbox, "docker.io/own/app:2").unwrap();
    assert_eq!(Stored::find(&sandbox, "docker.io/library/other:3").unwrap().id, image.id);
    let labels = &image.document["config"]["Labels"];
    assert_eq!(labels["a"], "b");
    assert_eq!(labels["com.docker.compose.project"], "shop");
    assert_eq!(labels["com.docker.compose.service"], "app");
}

#[test]
fn forms_of_progress() {
    let sandbox = Sandbox::new("build-progress");
    let stack = greeter(&sandbox, "");
    let build = |mode: &str| stack.rcompose(&["--progress", mode, "build", "--no-cache"]).succeeds().stderr;
    let plain = build("plain");
    assert!(plain.contains("#1 [1/2] FROM rootfs:/\n#1 CACHED\n"), "{plain}");
    assert!(plain.contains("#2 [2/2] COPY greeting /\n#2 DONE 0."), "{plain}");
    let json = build("json");
    assert!(json.lines().all(|line| line.starts_with('{')), "{json}");
    assert!(json.contains(r#"{"id":"[2/2] COPY greeting /","status":"Done","text":"Built"}"#), "{json}");
    assert_eq!(build("quiet"), "");
    assert_eq!(stack.rcompose(&["build", "-q"]).succeeds().stderr, "");
    assert!(build("tty").contains("[2/2] COPY greeting /"));
}

#[test]
fn what_is_not_built() {
    let sandbox = Sandbox::new("build-nothing");
    let stack = sandbox.stack("app", "services: {app: {image: 'rootfs:/'}}");
    stack.rcompose(&["build"]).succeeds().says(&["no service"]);
    stack.rcompose(&["build", "ap"]).fails_with(1).says(&["no such service: ap", "did you mean `app`?"]);
}

#[test]
fn an_argument_that_nobody_asks_for() {
    let sandbox = Sandbox::new("build-argument");
    let stack = greeter(&sandbox, "");
    stack.rcompose(&["build", "--build-arg", "VERSOIN=1"]).succeeds().says(&["VERSOIN"]);
}

#[test]
fn a_dry_run_builds_nothing() {
    let sandbox = Sandbox::new("build-dry");
    let stack = greeter(&sandbox, "");
    stack.rcompose(&["--dry-run", "build"]).succeeds().prints(&["build image of app"]);
    stack.rcompose(&["--dry-run", "up"]).succeeds().prints(&["build image of app (missing)"]);
    assert!(Stored::find(&sandbox, "docker.io/library/app-app:latest").is_none());
}

#[test]
fn a_health_check_is_run_by_the_shell_of_the_image() {
    let sandbox = Sandbox::new("build-shell");
    let compose = "services: {app: {build: {context: ., network: none}, network_mode: none, init: true}}\n";
    let stack = sandbox.stack("app", compose);
    // What no other shell of Debian knows.
    let check = "HEALTHCHECK --interval=1s --retries=2 CMD [[ -d / ]]";
    let dockerfile = format!("FROM rootfs:/\nSHELL [\"/bin/bash\", \"-c\"]\n{check}\nCMD exec sleep 1000\n");
    write(&stack, "Dockerfile", &dockerfile);
    stack.rcompose(&["up", "-d", "--wait"]).succeeds();
}

#[test]
fn watch_builds_again() {
    let sandbox = Sandbox::new("watch-build");
    let stack = greeter(&sandbox, ", develop: {watch: [{path: greeting, action: rebuild}]}");
    let watch = stack.spawn(&["watch"]);
    watch.prints("Watch enabled");
    stack.logs_show("app", "hello");
    write(&stack, "greeting", "good day\n");
    watch.prints("successfully built");
    stack.logs_show("app", "good day");
    write(&stack, "Dockerfile", "FROM rootfs:/\nCOPPY greeting /\n");
    write(&stack, "greeting", "good night\n");
    eventually("the mistake is told", Duration::from_secs(20), || {
        watch.stderr().contains("unknown instruction").then_some(())
    });
    watch.signal(Signal::SIGINT);
    watch.wait(Duration::from_secs(20));
    stack.logs_show("app", "good day");
}
