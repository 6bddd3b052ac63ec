//! `run`: create and start in one, attached or not.

use std::io::Read as _;
use std::process::Stdio;

use super::harness::Lab;

#[test]
fn the_exit_code_is_the_programs() {
    let lab = Lab::new("echo out; echo err >&2; exit 7");
    let outcome = lab.oci("run ID");
    assert_eq!((outcome.code, outcome.stdout.as_str(), outcome.stderr.as_str()), (7, "out\n", "err\n"));
    assert_eq!(lab.oci("state ID").error(), "container does not exist");
    let lab = Lab::new("echo up > /tmp/up; exec sleep 1000");
    let mut run = lab.command("run ID").spawn().unwrap();
    lab.await_file("tmp/up");
    lab.oci("kill ID KILL").text();
    assert_eq!(run.wait().unwrap().code(), Some(137));
}

#[test]
fn kept_when_it_has_ended() {
    let lab = Lab::new("exit 0");
    lab.oci("run --keep ID").text();
    assert_eq!(lab.status(), "stopped");
}

#[test]
fn detached() {
    let lab = Lab::new("echo up > /tmp/up; exec sleep 1000");
    lab.oci("run --detach --pid-file pid ID").text();
    assert_eq!(lab.status(), "running");
    assert_eq!(lab.await_file("tmp/up"), "up");
    let pid = fs_err::read_to_string(lab.bundle().join("pid")).unwrap();
    assert_eq!(pid, lab.state()["pid"].to_string());
}

#[test]
fn signals_are_passed_on() {
    let lab = Lab::new("trap 'exit 9' TERM; echo up > /tmp/up; while :; do sleep 0.05; done");
    let mut run = lab.command("run ID").spawn().unwrap();
    lab.await_file("tmp/up");
    let pid = rustix::process::Pid::from_raw(run.id().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(9));
}

#[test]
fn standard_input_is_the_callers() {
    let lab = Lab::new("read word; echo \"got $word\"");
    let mut run = lab.command("run ID").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut run.stdin.take().unwrap(), b"word\n").unwrap();
    let mut text = String::new();
    run.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "got word\n");
    assert!(run.wait().unwrap().success());
}

#[test]
fn a_program_that_cannot_be_executed_leaves_nothing() {
    let mut lab = Lab::new("");
    lab.config["process"]["args"] = serde_json::json!(["/tmp"]);
    let outcome = lab.oci("run ID");
    assert_eq!((outcome.code, outcome.error().as_str()), (1, "run failed: exec: `/tmp`: permission denied"));
    assert_eq!(lab.oci("state ID").error(), "container does not exist");
}
