//! `--timings`: where the time went.

use serde_json::Value;

use crate::support::Sandbox;

const SHOP: &str = "
services:
  db:
    image: rootfs:/
    init: true
    command: [sh, -c, 'sleep 0.3; touch /ready; sleep 1000']
    healthcheck: {test: test -e /ready, retries: 1000}
  cache: {image: 'rootfs:/', init: true, command: [sleep, '1000']}
  web:
    image: rootfs:/
    init: true
    command: [sleep, '1000']
    depends_on: {db: {condition: service_healthy}}
";

/// The span of this kind in a row.
#[track_caller]
fn span<'a>(timings: &'a Value, of: &str, kind: &str) -> &'a Value {
    let spans = timings["spans"].as_array().unwrap();
    spans
        .iter()
        .find(|span| span["of"] == of && span["kind"] == kind)
        .unwrap_or_else(|| panic!("{of} {kind}: {timings:#}"))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

#[test]
fn up_ends_with_a_waterfall() {
    let sandbox = Sandbox::new("timings");
    let stack = sandbox.stack("shop", SHOP);
    let outcome = stack.rcompose(&["up", "-d", "--wait", "--timings"]).succeeds();
    let text = &outcome.stderr[outcome.stderr.find("up took").unwrap()..];
    let row = |name: &str| text.lines().find(|line| line.trim_start().starts_with(name)).unwrap().to_owned();
    assert!(row("db").contains("create") && row("db").contains("healthy"), "{text}");
    assert!(row("web").contains('·') && row("web").contains("for db, start"), "{text}");
    assert!(!row("cache").contains("waits"), "{text}");
    let path = row("critical path:");
    assert!(path.contains("db healthy") && path.contains("→ web start") && !path.contains("cache"), "{path}");
    // Not asked for, it is not shown.
    let again = stack.rcompose(&["up", "-d", "--wait"]).succeeds();
    assert!(!again.stderr.contains("took"), "{again}");
}

#[test]
fn json_says_what_came_after_what() {
    let sandbox = Sandbox::new("timings-json");
    let stack = sandbox.stack("shop", SHOP);
    let file = sandbox.path().join("up.json");
    stack.rcompose(&["up", "-d", "--wait", &format!("--timings={}", file.display())]).succeeds();
    let timings: Value = serde_json::from_str(&fs_err::read_to_string(file).unwrap()).unwrap();
    let (healthy, start) = (span(&timings, "db", "healthy"), span(&timings, "web", "start"));
    assert!(start["after"].as_array().unwrap().contains(&healthy["id"]), "{timings:#}");
    assert!(number(&start["begin"]) >= number(&healthy["end"]));
    assert!(number(&healthy["end"]) - number(&span(&timings, "db", "start")["begin"]) >= 0.3, "what the service took");
    assert_eq!(start["waited"]["for"], "db");
    assert_eq!(
        (&start["critical"], &span(&timings, "cache", "start")["critical"]),
        (&Value::Bool(true), &Value::Bool(false))
    );
    let spans = timings["spans"].as_array().unwrap();
    let last = spans.iter().map(|span| number(&span["end"])).fold(0.0, f64::max);
    assert!(last <= number(&timings["seconds"]), "{timings:#}");
    for span in spans {
        for earlier in span["after"].as_array().unwrap() {
            let earlier = &spans[usize::try_from(earlier.as_u64().unwrap()).unwrap()];
            assert!(number(&earlier["end"]) <= number(&span["begin"]), "{span} {earlier}");
        }
    }
}

#[test]
fn what_a_failure_took_is_told_too() {
    let sandbox = Sandbox::new("timings-fail");
    let stack = sandbox.stack("shop", &SHOP.replace("/ready, retries", "/never, retries"));
    let file = sandbox.path().join("up.json");
    let timings = format!("--timings={}", file.display());
    stack.rcompose(&["up", "-d", "--wait", "--wait-timeout", "2", &timings]).fails();
    let timings: Value = serde_json::from_str(&fs_err::read_to_string(file).unwrap()).unwrap();
    // The supervisor waits for so long, and begins when it is reached.
    let (wait, reached) = (span(&timings, "db", "healthy"), span(&timings, "supervisor", "connect"));
    assert!(number(&wait["end"]) - number(&reached["end"]) >= 2.0, "{timings:#}");
}

#[test]
fn a_picture_and_other_commands() {
    let sandbox = Sandbox::new("timings-svg");
    let stack = sandbox.stack("shop", SHOP);
    let file = sandbox.path().join("create.svg");
    stack.rcompose(&["create", &format!("--timings={}", file.display())]).succeeds();
    let svg = fs_err::read_to_string(file).unwrap();
    assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>") && svg.contains("web create"), "{svg}");
    let start = stack.rcompose(&["start", "--wait", "--timings"]).succeeds();
    start.says(&["start took", "db healthy"]);
    stack.rcompose(&["up", "-d", "--timings=up.png"]).fails_with(1).says(&["must end in .svg or .json"]);
}
