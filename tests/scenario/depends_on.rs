//! The order of `depends_on`.

use std::time::Duration;

use crate::support::{Sandbox, eventually};

/// The services write to one volume, so that its file tells the order in which they ran.
const ORDERED: &str = "
x-service: &service {image: 'rootfs:/', init: true, volumes: ['order:/order']}
services:
  app:
    <<: *service
    command: [sh, -c, 'echo app >> /order/file; exec sleep 1000']
    depends_on:
      database: {condition: service_healthy}
      migrate: {condition: service_completed_successfully}
  migrate:
    <<: *service
    command: [sh, -c, 'echo migrate >> /order/file']
    depends_on: {database: {condition: service_healthy}}
  database:
    <<: *service
    command: [sh, -c, 'sleep 0.3; echo database >> /order/file; exec sleep 1000']
    healthcheck: {test: [CMD, grep, -q, database, /order/file]}
volumes: {order: {}}
";

#[test]
fn each_waits_for_what_it_needs() {
    let sandbox = Sandbox::new("order");
    let stack = sandbox.stack("ordered", ORDERED);
    stack.rcompose(&["up", "-d"]).succeeds();
    let order = stack.rcompose(&["exec", "-T", "database", "cat", "/order/file"]).succeeds().stdout;
    // `up -d` does not wait for what `app` does after its start.
    assert!(order.starts_with("database\nmigrate\n"), "{order}");
    assert_eq!(stack.container("app").state, "running");
}

#[test]
fn a_one_shot_that_fails_stops_what_needs_it() {
    let sandbox = Sandbox::new("order-failed");
    let stack = sandbox.stack("ordered", &ORDERED.replace("echo migrate >> /order/file", "exit 9"));
    stack.rcompose(&["up", "-d"]).fails_with(1).says(&["migrate", "9"]);
    let started = stack.containers().iter().any(|container| container.service == "app" && container.state == "running");
    assert!(!started, "app must not run without its migration");
}

#[test]
fn one_that_is_not_required_may_fail() {
    let sandbox = Sandbox::new("optional");
    let stack = sandbox.stack(
        "lenient",
        "
services:
  app:
    image: rootfs:/
    init: true
    command: [sleep, '1000']
    depends_on: {extra: {condition: service_started, required: false}}
  extra: {image: 'rootfs:/', command: [no-such-command]}
",
    );
    stack.rcompose(&["up", "-d"]).succeeds().says(&["warning", "no-such-command"]);
    assert_eq!(stack.container("app").state, "running");
}

#[test]
fn one_that_has_ended_has_been_started() {
    let sandbox = Sandbox::new("ended");
    let stack = sandbox.stack(
        "quick",
        "
services:
  app: {image: 'rootfs:/', init: true, command: [sleep, '1000'], depends_on: [brief]}
  brief: {image: 'rootfs:/', command: ['true']}
",
    );
    stack.rcompose(&["up", "-d"]).succeeds();
    assert_eq!(stack.container("app").state, "running");
}

#[test]
fn who_asks_for_it_restarts_with_what_it_depends_on() {
    let sandbox = Sandbox::new("restart-with");
    let compose = "
services:
  db: {image: 'rootfs:/', init: true, command: [sleep, '1000'], environment: {VERSION: one}}
  web:
    image: rootfs:/
    init: true
    command: [sh, -c, 'echo run; exec sleep 1000']
    depends_on: {db: {condition: service_started, restart: true}}
  other:
    image: rootfs:/
    init: true
    command: [sh, -c, 'echo run; exec sleep 1000']
    depends_on: [db]
";
    let stack = sandbox.stack("together", compose);
    stack.rcompose(&["up", "-d"]).succeeds();
    let runs = |service: &str, count: usize| {
        eventually("its runs", Duration::from_secs(10), || {
            let log = stack.rcompose(&["logs", "--no-log-prefix", service]).stdout;
            (log.lines().count() == count).then_some(())
        });
    };
    runs("web", 1);
    runs("other", 1);
    let (db, web) = (stack.container("db").id, stack.container("web").id);
    stack.rewrite(&compose.replace("VERSION: one", "VERSION: two"));
    stack.rcompose(&["up", "-d"]).succeeds();
    assert_ne!(stack.container("db").id, db, "made anew");
    assert_eq!(stack.container("web").id, web, "the same container, started again");
    runs("web", 2);
    runs("other", 1);
}
