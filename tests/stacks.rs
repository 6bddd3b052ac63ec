//! Each stack of `examples/stacks` comes up, is used for what it is for, and goes down without a trace.
//!
//! The files in `tests/stacks` replace its images by `rootfs:/` and Debian's own servers: no registry is asked.
#![expect(clippy::unwrap_used, reason = "a step that fails ends its test, and says so")]
#![expect(clippy::print_stderr, reason = "a failed test shows what its containers said")]

#[expect(dead_code, unused_imports, reason = "the scenarios use the rest of it")]
mod support;

use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use support::{Sandbox, Stack, eventually, http};

/// The example `name`, over its stand-ins when it has some.
fn example<'a>(sandbox: &'a Sandbox, name: &str) -> Stack<'a> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![package.join("examples/stacks").join(name).join("compose.yaml")];
    files.extend(Some(package.join("tests/stacks").join(format!("{name}.rootfs.yaml"))).filter(|file| file.exists()));
    sandbox.stack_of(name, &files)
}

#[test]
fn every_example_has_a_test() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/stacks");
    let mut names: Vec<_> = fs_err::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["app", "backing", "hello", "pages", "shop"]);
}

#[test]
fn hello() {
    let sandbox = Sandbox::new("hello");
    let stack = example(&sandbox, "hello");
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.logs_show("visitor", "web says: Hello from a container without Docker!");
    assert_eq!(http::get(8000, "/"), "Hello from a container without Docker!\n");
    assert_eq!(stack.container("web").health, "healthy");
}

#[test]
fn backing() {
    let sandbox = Sandbox::new("backing");
    let stack = example(&sandbox, "backing");
    stack.rcompose(&["up", "-d", "--wait"]).succeeds();

    // As an application on the host would: over the published ports, with the password.
    let mut psql = std::process::Command::new("psql");
    sandbox.equip(&mut psql);
    psql.args(["postgresql://app:app@127.0.0.1:5432/app", "-c", "CREATE TABLE kept (id int)"]);
    sandbox.run(psql).succeeds();
    let mut redis = std::process::Command::new("redis-cli");
    sandbox.equip(&mut redis);
    redis.args(["-h", "127.0.0.1", "set", "kept", "yes"]);
    sandbox.run(redis).succeeds().prints(&["OK"]);

    stack.rcompose(&["down"]).succeeds();
    stack.rcompose(&["up", "-d", "--wait"]).succeeds();
    stack.rcompose(&["exec", "-T", "postgres", "psql", "-U", "app", "-c", "\\dt"]).succeeds().prints(&["kept"]);
    stack.rcompose(&["exec", "-T", "redis", "redis-cli", "get", "kept"]).succeeds().prints(&["yes"]);
}

#[test]
fn shop() {
    let sandbox = Sandbox::new("shop");
    let stack = example(&sandbox, "shop");
    stack.rcompose(&["up", "-d", "--wait"]).succeeds();
    let migrate = stack.container("migrate");
    assert_eq!((&*migrate.state, migrate.exit_code), ("exited", 0));

    // The proxy has no health check: it is started, and may not listen yet. A connection alone counts as no visit.
    let catalogue = || -> Value {
        eventually("the proxy listens", Duration::from_secs(10), || TcpStream::connect(("127.0.0.1", 8080)).ok());
        serde_json::from_str(&http::get(8080, "/")).unwrap()
    };
    assert_eq!(catalogue()["products"][0]["name"], "cup");
    assert_eq!(catalogue()["visits"], 2, "the cache counts the visits");
    let (status, body) = http::request("POST", ([127, 0, 0, 1], 8080).into(), "/orders").unwrap();
    assert_eq!((status, body.trim()), (200, r#"{"order": 1}"#));

    stack.rcompose(&["down"]).succeeds();
    stack.rcompose(&["up", "-d", "--wait"]).succeeds();
    let after = catalogue();
    assert_eq!((&after["orders"], &after["visits"]), (&1.into(), &3.into()), "the data is still there");
    stack.rcompose(&["exec", "-T", "db", "psql", "-U", "shop", "-c", "SELECT * FROM orders"]).succeeds();

    stack.rcompose(&["down", "-v"]).succeeds();
    stack.rcompose(&["up", "-d", "--wait"]).succeeds();
    assert_eq!(catalogue()["orders"], 0, "`down -v` has removed it");
}

#[test]
fn app() {
    let sandbox = Sandbox::new("app");
    let stack = example(&sandbox, "app");
    stack.rcompose(&["up", "-d", "--wait"]).succeeds();
    let visits = || -> Value { serde_json::from_str(&http::get(8090, "/")).unwrap() };
    assert_eq!(visits()["visits"], 1);
    let image = stack.rcompose(&["images", "-q", "app"]).succeeds().stdout;
    stack.rcompose(&["up", "-d", "--build", "--wait"]).succeeds();
    assert_eq!(stack.rcompose(&["images", "-q", "app"]).succeeds().stdout, image, "nothing has changed");
    assert_eq!(visits()["visits"], 2);
}

#[test]
fn pages() {
    let sandbox = Sandbox::new("pages");
    let stack = example(&sandbox, "pages");
    stack.rcompose(&["up", "-d", "--wait"]).succeeds();
    assert_eq!(http::get(8091, "/"), "BUILT WITHOUT A REGISTRY\n");
}
