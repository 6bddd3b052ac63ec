//! What a failed `up` tells of the containers: how they ended, what they said last, who waits for whom.

use std::time::Duration;

use crate::support::{Sandbox, eventually};

#[test]
fn a_one_shot_that_fails_is_quoted() {
    let sandbox = Sandbox::new("quoted");
    let stack = sandbox.stack(
        "quoted",
        "
services:
  migrate: {image: 'rootfs:/', command: [sh, -c, 'for i in $$(seq 1 30); do echo step $$i; done; echo no such table >&2; exit 9']}
  app:
    image: rootfs:/
    init: true
    command: [sleep, '1000']
    depends_on: {migrate: {condition: service_completed_successfully}}
",
    );
    let outcome = stack.rcompose(&["up", "-d"]).fails_with(1);
    let outcome = outcome.says(&["quoted-migrate-1 ended with code 9", "| step 30\n    | no such table\n"]);
    assert!(!outcome.stderr.contains("step 20\n"), "only the last lines: {outcome}");
    // The same for programs.
    let outcome = stack.rcompose(&["--progress", "json", "up", "-d"]).fails_with(1);
    outcome.says(&[r#""code":9"#, r#""no such table""#]);
}

#[test]
fn what_was_killed_for_want_of_memory_is_told_apart() {
    let sandbox = Sandbox::new("oom");
    let stack = sandbox.stack(
        "greedy",
        "
services:
  greedy: {image: 'rootfs:/', mem_limit: 32m, memswap_limit: 32m, command: [sh, -c, 'exec tail /dev/zero']}
  app:
    image: rootfs:/
    init: true
    command: [sleep, '1000']
    depends_on: {greedy: {condition: service_completed_successfully}}
",
    );
    stack.rcompose(&["up", "-d"]).fails_with(1).says(&["code 137: out of memory", "`mem_limit` of 32m"]);
}

#[test]
fn an_unhealthy_one_shows_its_last_probes() {
    let sandbox = Sandbox::new("probes");
    let stack = sandbox.stack(
        "sick",
        "
services:
  db:
    image: rootfs:/
    init: true
    command: [sh, -c, 'echo starting; exec sleep 1000']
    healthcheck: {test: 'echo no answer; exit 4', interval: 50ms, retries: 3}
  app:
    image: rootfs:/
    init: true
    command: [sleep, '1000']
    depends_on: {db: {condition: service_healthy}}
",
    );
    let outcome = stack.rcompose(&["up", "-d"]).fails_with(1);
    let outcome = outcome.says(&["container sick-db-1 is unhealthy", "| starting"]);
    assert!(outcome.stderr.matches("a probe of sick-db-1 failed with code 4: no answer").count() >= 3, "{outcome}");
}

#[test]
fn a_wait_that_takes_too_long_names_who_waits_for_whom() {
    let sandbox = Sandbox::new("waits");
    let stack = sandbox.stack(
        "slow",
        "
services:
  db:
    image: rootfs:/
    init: true
    command: [sleep, '1000']
    healthcheck: {test: 'echo >> /probes; echo not yet; exit 1', interval: 1h, start_period: 1h, start_interval: 50ms}
  web: {image: 'rootfs:/', init: true, command: [sleep, '1000'], depends_on: {db: {condition: service_healthy}}}
  api: {image: 'rootfs:/', init: true, command: [sleep, '1000'], depends_on: {db: {condition: service_healthy}}}
",
    );
    // However slow the machine is: it has been probed, and is waited for at once.
    stack.rcompose(&["up", "-d", "db"]).succeeds();
    eventually("two probes", Duration::from_secs(20), || {
        let probes = stack.rcompose(&["exec", "-T", "db", "cat", "/probes"]).stdout;
        (probes.lines().count() >= 2).then_some(())
    });
    let outcome = stack.rcompose(&["up", "-d", "--wait", "--wait-timeout", "2"]).fails_with(1);
    outcome.says(&[
        "application not healthy after 2s",
        "api and web wait for slow-db-1 to be healthy, which runs",
        "a probe of slow-db-1 failed with code 1: not yet",
    ]);
    assert_eq!(stack.container("db").state, "running", "what is there stays");
}

#[test]
fn one_that_died_meanwhile_is_warned_of() {
    let sandbox = Sandbox::new("died");
    let stack = sandbox.stack(
        "dying",
        "
services:
  brief: {image: 'rootfs:/', command: [sh, -c, 'echo goodbye; exit 143']}
  job:
    image: rootfs:/
    command: [sleep, '1']
    depends_on: [brief]
  last: {image: 'rootfs:/', command: ['true'], depends_on: {job: {condition: service_completed_successfully}}}
",
    );
    // As with docker compose, it is no failure of `up` that nobody waits for.
    stack.rcompose(&["up", "-d"]).succeeds().says(&[
        "warning: dying-brief-1 has failed",
        "code 143: it was asked to end (SIGTERM)",
        "| goodbye",
    ]);
}

#[test]
fn a_one_shot_that_has_succeeded_does_not_fail_a_wait() {
    let sandbox = Sandbox::new("wait-one-shot");
    let stack = sandbox.stack(
        "done",
        "
services:
  seed: {image: 'rootfs:/', command: ['true']}
  checked:
    image: rootfs:/
    command: ['true']
    healthcheck: {test: 'false', interval: 1h}
  web: {image: 'rootfs:/', init: true, command: [sleep, '1000']}
",
    );
    stack.rcompose(&["up", "-d", "--wait"]).succeeds();
    assert_eq!(stack.container("web").state, "running");
    eventually("seed has ended", Duration::from_secs(5), || (stack.container("seed").state == "exited").then_some(()));
}

#[test]
fn one_that_others_need_to_have_started_fails_a_wait_when_it_fails() {
    let sandbox = Sandbox::new("wait-failed");
    let stack = sandbox.stack(
        "failed",
        "
services:
  brief: {image: 'rootfs:/', command: [sh, -c, 'exit 5']}
  job: {image: 'rootfs:/', command: [sleep, '1'], depends_on: [brief]}
  last: {image: 'rootfs:/', command: [sleep, '1000'], init: true, depends_on: {job: {condition: service_completed_successfully}}}
",
    );
    stack.rcompose(&["up", "-d", "--wait"]).fails_with(1).says(&["failed-brief-1 ended with code 5"]);
}

#[test]
fn what_is_started_is_told_once() {
    let sandbox = Sandbox::new("started-once");
    let stack = sandbox.stack("plain", "services: {web: {image: 'rootfs:/', init: true, command: [sleep, '1000']}}");
    for said in ["Started", "Running"] {
        let outcome = stack.rcompose(&["up", "-d", "--wait"]).succeeds();
        let lines: Vec<_> = outcome.stderr.lines().filter(|line| line.contains("Container plain-web-1")).collect();
        assert_eq!(lines.iter().filter(|line| line.ends_with(said)).count(), 1, "{outcome}");
        assert!(said == "Started" || lines.len() == 1, "{outcome}");
    }
}
