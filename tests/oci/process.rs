//! What the program is given: its environment, its capabilities, its processors, its terminal.

use std::process::Command;

use serde_json::json;

use super::harness::{Lab, Outcome};

/// As `lab.oci`, by a caller that keeps to one processor.
fn pinned(lab: &Lab, arguments: &str) -> Outcome {
    let inner = lab.command(arguments);
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", "0"]).arg(inner.get_program()).args(inner.get_args()).current_dir(lab.bundle());
    lab.run(&mut command)
}

#[test]
fn it_runs_on_every_processor_wherever_its_caller_does() {
    let mut lab = Lab::new("grep Cpus_allowed_list /proc/self/status");
    let everywhere = lab.oci("run ID").text().to_owned();
    assert_eq!(pinned(&lab, "run ID").text(), everywhere);
    lab.config["process"]["args"] = json!(["sleep", "1000"]);
    lab.oci("run --detach ID").text();
    assert_eq!(pinned(&lab, "exec ID grep Cpus_allowed_list /proc/self/status").text(), everywhere);
}

#[test]
fn a_variable_is_set_once() {
    let mut lab = Lab::new("tr '\\0' '\\n' < /proc/$$/environ");
    lab.config["process"]["env"] = json!(["A=1", "PATH=/usr/bin", "A=2", "B=", "A=3=4"]);
    assert_eq!(lab.oci("run ID").text(), "PATH=/usr/bin\nB=\nA=3=4\nHOME=/");
    lab.config["process"]["env"] = json!(["PATH=/usr/bin", "HOME="]);
    assert_eq!(lab.oci("run ID").text(), "PATH=/usr/bin\nHOME=/");
    lab.config["process"]["env"] = json!(["HOME=", "PATH=/usr/bin", "HOME=/x"]);
    assert_eq!(lab.oci("run ID").text(), "PATH=/usr/bin\nHOME=/x");
}

#[test]
fn ambient_capabilities_are_those_that_can_be_inherited() {
    let mut lab = Lab::new("grep CapAmb /proc/self/status");
    lab.config["process"]["capabilities"]["inheritable"] = json!(["CAP_KILL"]);
    lab.config["process"]["capabilities"]["ambient"] = json!(["CAP_KILL", "CAP_NET_BIND_SERVICE"]);
    let outcome = lab.oci("run ID");
    assert_eq!(outcome.text(), "CapAmb:\t0000000000000020");
    let warning = "can't raise ambient capability CAP_NET_BIND_SERVICE: it is not both permitted and inheritable";
    assert!(outcome.stderr.contains(warning), "{outcome:?}");
}

#[test]
fn a_capability_of_an_exec_is_ambient_if_it_can_be() {
    let mut lab = Lab::new("echo up > /tmp/up; exec sleep 1000");
    lab.config["process"]["capabilities"]["inheritable"] = json!(["CAP_KILL"]);
    lab.oci("run --detach ID").text();
    lab.await_file("tmp/up");
    let ambient = |flags: &str| lab.oci(&format!("exec {flags} ID grep CapAmb /proc/self/status")).text().to_owned();
    assert_eq!(ambient(""), "CapAmb:\t0000000000000000");
    assert_eq!(ambient("--cap CAP_NET_BIND_SERVICE"), "CapAmb:\t0000000000000000");
    assert_eq!(ambient("--cap CAP_KILL"), "CapAmb:\t0000000000000020");
}

#[test]
fn a_pipe_gets_lines_as_the_program_writes_them() {
    let mut lab = Lab::new("echo one; echo two");
    lab.config["process"]["terminal"] = true.into();
    assert_eq!(lab.oci("run ID").stdout, "one\ntwo\n");
}

#[test]
fn a_device_for_which_there_is_a_link() {
    let mut lab = Lab::new("readlink /dev/ptmx");
    lab.config["linux"]["devices"] = json!([{"path": "/dev/ptmx", "type": "c", "major": 5, "minor": 2}]);
    assert_eq!(lab.oci("run ID").text(), "pts/ptmx");
}
