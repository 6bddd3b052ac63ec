//! Filters whose calls somebody outside answers.

use std::os::unix::net::UnixListener;

use serde_json::json;

use super::agent::agent;
use super::harness::Lab;

/// Prints the result of `sched_get_priority_max`, number 146, a call that no program misses.
const CALL: &str = "print syscall(146, 1), \"\\n\"";

/// A container whose process has that call answered at the socket `agent` beside its bundle.
fn notified() -> Lab {
    let mut lab = Lab::new("");
    lab.config["process"]["args"] = json!(["perl", "-e", CALL]);
    lab.config["linux"]["seccomp"] = json!({
        "defaultAction": "SCMP_ACT_ALLOW",
        "listenerPath": lab.directory.path().join("agent"),
        "listenerMetadata": "some words",
        "syscalls": [{"names": ["sched_get_priority_max"], "action": "SCMP_ACT_NOTIFY"}],
    });
    lab
}

#[test]
fn an_agent_answers_for_calls() {
    let lab = notified();
    let listener = UnixListener::bind(lab.directory.path().join("agent")).unwrap();
    let answering = std::thread::spawn(move || agent(&listener));
    assert_eq!(lab.oci("run ID").text(), "42");
    let told = answering.join().unwrap();
    let pid = &told["pid"];
    assert!(pid.as_i64().is_some_and(|pid| pid > 1), "{told}");
    let expected = json!({
        "ociVersion": "1.2.0", "fds": ["seccompFd"], "pid": pid, "metadata": "some words",
        "state": {
            "ociVersion": "1.2.0", "id": lab.id(), "status": "creating", "pid": pid,
            "bundle": lab.bundle(), "annotations": {"org.example.key": "value"},
        },
    });
    assert_eq!(told, expected);
}

#[test]
fn an_agent_answers_for_an_exec() {
    let mut lab = notified();
    lab.config["process"]["args"] = json!(["sleep", "1000"]);
    let listener = UnixListener::bind(lab.directory.path().join("agent")).unwrap();
    // For the program that is started, of which nothing is asked.
    let taken = listener.try_clone().unwrap();
    let taking = std::thread::spawn(move || taken.accept().unwrap());
    lab.oci("run --detach ID").text();
    drop(taking.join().unwrap());
    let answering = std::thread::spawn(move || agent(&listener));
    let outcome = lab.run(lab.command("exec ID perl -e").arg(CALL));
    assert_eq!(outcome.text(), "42");
    assert_eq!(answering.join().unwrap()["state"]["status"], "running");
}

#[test]
fn without_its_agent_a_container_does_not_start() {
    let lab = notified();
    lab.oci("create ID").text();
    let error = lab.oci("start ID").error();
    assert!(error.starts_with("cannot connect to the seccomp agent at `"), "{error}");
    assert_eq!(lab.status(), "created");
}
