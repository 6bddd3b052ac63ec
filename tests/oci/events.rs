//! `events`: what a container uses, for who watches it.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use super::harness::Lab;

#[test]
fn what_it_uses_once() {
    let mut lab = Lab::new("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo up > /tmp/up; exec sleep 1000");
    lab.config["linux"]["resources"] = json!({"pids": {"limit": 100}, "memory": {"limit": 64 << 20}});
    lab.oci("run --detach ID").text();
    lab.await_file("tmp/up");
    let outcome = lab.oci("events --stats ID");
    assert!(outcome.text().starts_with(&format!("{{\"type\":\"stats\",\"id\":\"{}\",\"data\":", lab.id())));
    let event: Value = serde_json::from_str(outcome.text()).unwrap();
    let number = |pointer: &str| event.pointer(pointer).and_then(Value::as_u64).unwrap_or_else(|| panic!("{event}"));
    assert_eq!(number("/data/pids/current"), 1);
    assert_eq!(number("/data/pids/limit"), 100);
    assert_eq!(number("/data/memory/usage/limit"), 64 << 20);
    let used = number("/data/memory/usage/usage");
    assert!((1..=64 << 20).contains(&used), "{used}");
    assert!(number("/data/cpu/usage/total") > 0);
    let error = lab.oci("events --interval 0s ID");
    assert!(error.stderr.contains("it must be more than nothing"), "{error:?}");
}

#[test]
fn reports_end_with_the_container() {
    let lab = Lab::new("exec sleep 1000");
    lab.oci("run --detach ID").text();
    let mut events = lab.command("events --interval 10ms ID").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(events.stdout.take().unwrap()).lines();
    for _ in 0..3 {
        let event: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert_eq!(event["type"], "stats");
    }
    lab.oci("kill ID KILL").text();
    assert!(lines.all(|line| line.is_ok()));
    assert!(events.wait().unwrap().success());
    lab.await_status("stopped");
    assert_eq!(lab.oci("events --stats ID").error(), "container not running");
}

#[test]
fn a_process_killed_for_want_of_memory_is_told() {
    let mut lab = Lab::new("echo up > /tmp/up; read go < /tmp/go; tail /dev/zero; exec sleep 1000");
    lab.config["linux"]["resources"] = json!({"memory": {"limit": 32 << 20, "swap": 32 << 20}});
    let fifo = lab.inside("tmp/go");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
    lab.oci("run --detach ID").text();
    lab.await_file("tmp/up");
    let mut events = lab.command("events --interval 20ms ID").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(events.stdout.take().unwrap()).lines();
    // It watches by now.
    lines.next().unwrap().unwrap();
    fs_err::write(&fifo, "go\n").unwrap();
    let told = lines.map_while(Result::ok).find(|line| line.contains("oom"));
    assert_eq!(told.as_deref(), Some(format!("{{\"type\":\"oom\",\"id\":\"{}\"}}", lab.id()).as_str()));
    lab.oci("kill ID KILL").text();
    assert!(events.wait().unwrap().success());
}
