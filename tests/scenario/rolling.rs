//! `deploy.update_config`: services that are replaced while somebody asks them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::support::{Sandbox, Stack, eventually, http};

/// A server that says its version, and goes on to answer for a while when it is asked to end, as servers do behind a proxy.
/// The client asks it by its name, all the time.
const SERVED: &str = "
services:
  web:
    image: rootfs:/
    init: true
    command: [python3, -u, /server.py]
    environment: {VERSION: 'one', HEALTH: '200'}
    configs: [{source: server, target: /server.py}]
    healthcheck:
      test: [CMD, python3, -c, 'import urllib.request as u; u.urlopen(\"http://127.0.0.1/health\")']
      interval: 300ms
      retries: 10
      start_period: 5s
    ports: ['127.0.0.1:8080:80']
    deploy: {update_config: {order: start-first}}
  client:
    image: rootfs:/
    init: true
    command: [python3, -u, /client.py]
    configs: [{source: client, target: /client.py}]
    depends_on: {web: {condition: service_healthy}}
configs:
  server:
    content: |
      import http.server, os, signal, threading
      class Handler(http.server.BaseHTTPRequestHandler):
          def do_GET(self):
              self.send_response(int(os.environ['HEALTH']) if self.path == '/health' else 200)
              self.end_headers()
              self.wfile.write(os.environ['VERSION'].encode())
          def log_message(self, *arguments):
              pass
      class Server(http.server.ThreadingHTTPServer):
          request_queue_size = 128
      server = Server(('', 80), Handler)
      signal.signal(signal.SIGTERM, lambda *_: threading.Timer(1, server.shutdown).start())
      server.serve_forever()
  client:
    content: |
      import time, urllib.request
      while True:
          try:
              print('got', urllib.request.urlopen('http://web/', timeout=20).read().decode())
          except Exception as error:
              print('FAILED', error)
          time.sleep(0.02)
";

/// Asks the published port until `done`, and returns what has failed.
fn ask(done: &AtomicBool) -> Vec<String> {
    let mut failures = Vec::new();
    while !done.load(Ordering::Relaxed) {
        match http::request("GET", ([127, 0, 0, 1], 8080).into(), "/") {
            Ok((200, _)) => {}
            other => failures.push(format!("{other:?}")),
        }
    }
    failures
}

fn client(stack: &Stack<'_>) -> String {
    stack.rcompose(&["logs", "--no-log-prefix", "client"]).succeeds().stdout
}

fn names(stack: &Stack<'_>) -> Vec<String> {
    let output = stack.rcompose(&["ps", "-a", "--format", "json", "web"]).succeeds().stdout;
    let name = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        value["Name"].as_str().unwrap().to_owned()
    };
    let mut names: Vec<_> = output.lines().map(name).collect();
    names.sort();
    names
}

/// Brings version two up while the client and, over a port where there is one, this machine ask.
#[track_caller]
fn update_loses_nothing(stack: &Stack<'_>, compose: &str, by_port: bool) {
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.logs_show("client", "got one");
    stack.rewrite(&compose.replace("VERSION: 'one'", "VERSION: 'two'"));
    let done = AtomicBool::new(false);
    let failures = thread::scope(|scope| {
        let asking = by_port.then(|| scope.spawn(|| ask(&done)));
        let up = stack.rcompose(&["up", "-d"]);
        done.store(true, Ordering::Relaxed);
        let failures = asking.map(|asking| asking.join().unwrap()).unwrap_or_default();
        up.succeeds();
        failures
    });
    assert_eq!(failures, [""; 0]);
    let log = stack.logs_show("client", "got two");
    assert!(!log.contains("FAILED"), "{log}");
    // From here on it is the new one alone.
    let mut answers = client(stack).lines().map(str::to_owned).collect::<Vec<_>>();
    let count = answers.len();
    eventually("three more answers", Duration::from_secs(10), || {
        answers = client(stack).lines().map(str::to_owned).collect();
        (answers.len() >= count + 3).then_some(())
    });
    assert!(answers[count..].iter().all(|line| line == "got two"), "{answers:?}");
}

#[test]
fn a_new_container_takes_over_from_the_old_one_without_a_gap() {
    let sandbox = Sandbox::new("start-first");
    let stack = sandbox.stack("smooth", SERVED);
    update_loses_nothing(&stack, SERVED, true);
    assert_eq!(names(&stack), ["smooth-web-1"], "the new one has the name of the old one");
    // Once more: its ports are handed on as well.
    update_loses_nothing(&stack, &SERVED.replace("'200'", "'201'"), true);
    assert_eq!(names(&stack), ["smooth-web-1"]);
}

#[test]
fn replicas_are_replaced_one_after_the_other() {
    let sandbox = Sandbox::new("stop-first");
    let compose = SERVED.replace("    ports: ['127.0.0.1:8080:80']\n", "").replace(
        "deploy: {update_config: {order: start-first}}",
        "deploy: {replicas: 3, update_config: {parallelism: 1}}",
    );
    let stack = sandbox.stack("steady", &compose);
    update_loses_nothing(&stack, &compose, false);
    assert_eq!(names(&stack), ["steady-web-1", "steady-web-2", "steady-web-3"]);
}

#[test]
fn one_that_does_not_become_healthy_leaves_the_old_one_serving() {
    for order in ["start-first", "stop-first"] {
        let sandbox = Sandbox::new("update-paused");
        let compose = SERVED.replace("start-first", order);
        let stack = sandbox.stack("paused", &compose);
        stack.rcompose(&["up", "-d"]).succeeds();
        let before = stack.container("web").id;
        stack.rewrite(&compose.replace("'one'", "'two'").replace("'200'", "'503'"));
        let outcome = stack.rcompose(&["up", "-d"]).fails_with(1);
        outcome.says(&["the update of service web failed and was paused", "is unhealthy", "HTTP Error 503"]);
        assert_eq!(stack.container("web").id, before, "{order}");
        assert_eq!(http::get(8080, "/"), "one", "{order}");
        // The next attempt finds what the last one has left, and succeeds.
        stack.rewrite(&compose.replace("'one'", "'three'"));
        stack.rcompose(&["up", "-d"]).succeeds();
        assert_eq!(http::get(8080, "/"), "three", "{order}");
        assert_eq!(names(&stack), ["paused-web-1"], "{order}");
    }
}

#[test]
fn a_failed_update_is_rolled_back_where_that_is_wanted() {
    let sandbox = Sandbox::new("rollback");
    let compose = "
services:
  web:
    image: rootfs:/
    init: true
    command: [sh, -c, 'FIRST=one; touch /decided; exec sleep 1000']
    volumes: ['seen:/seen']
    healthcheck: {test: 'until test -e /decided; do sleep 0.01; done; test ! -e /sick', interval: 100ms, retries: 2}
    deploy: {replicas: 2, update_config: {failure_action: rollback}}
volumes: {seen: {}}
";
    let stack = sandbox.stack("undone", compose);
    stack.rcompose(&["up", "-d"]).succeeds();
    let ids = || {
        let mut ids: Vec<_> = stack.containers().into_iter().map(|container| container.id).collect();
        ids.sort();
        ids
    };
    let before = ids();
    // The first new container is healthy, the second one is not.
    stack.rewrite(&compose.replace("FIRST=one", "mkdir /seen/first || touch /sick"));
    let outcome = stack.rcompose(&["up", "-d"]).fails_with(1);
    outcome.says(&["the update of service web failed and was rolled back", "is unhealthy"]);
    assert_eq!(ids(), before, "both old containers");
    assert!(stack.containers().iter().all(|container| container.state == "running"), "{:?}", stack.containers());
}

#[test]
fn an_attached_up_shows_a_new_container_under_the_name_that_it_gets() {
    let sandbox = Sandbox::new("rolling-attached");
    let text = |word: &str| {
        format!(
            "services: {{web: {{image: 'rootfs:/', init: true, command: [sh, -c, 'echo {word}; exec sleep 1000'], \
             deploy: {{update_config: {{order: start-first}}}}}}}}"
        )
    };
    let stack = sandbox.stack("roll", &text("first"));
    let up = stack.spawn(&["up"]);
    up.prints("web-1  | first");
    let logs = stack.spawn(&["logs", "-f"]);
    logs.prints("web-1  | first");
    stack.rewrite(&text("second"));
    stack.rcompose(&["up", "-d"]).succeeds();
    up.prints("web-1  | second");
    logs.prints("web-1  | second");
    assert!(!up.stdout().contains("roll-web-1") && !logs.stdout().contains("roll-web-1"), "{}", up.stdout());
    stack.rcompose(&["down"]).succeeds();
}
