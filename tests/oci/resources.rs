//! `pause`, `resume`, `update` and `ps`.

use std::process::Stdio;
use std::time::Duration;

use super::harness::Lab;

const COUNT: &str = "i=0; while :; do i=$((i+1)); echo $i > /tmp/count; sleep 0.02; done";

#[test]
fn nothing_runs_while_paused() {
    let lab = Lab::new(COUNT);
    lab.oci("create ID").text();
    lab.oci("start ID").text();
    lab.await_file("tmp/count");
    lab.oci("pause ID").text();
    assert_eq!(lab.status(), "paused");
    let before = fs_err::read_to_string(lab.inside("tmp/count")).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(fs_err::read_to_string(lab.inside("tmp/count")).unwrap(), before);
    assert_eq!(lab.oci("pause ID").error(), "container not running");
    lab.oci("resume ID").text();
    assert_eq!(lab.status(), "running");
    assert_eq!(lab.oci("resume ID").error(), "container not paused");
    lab.oci("pause ID").text();
    // Even what is frozen is killed.
    lab.oci("kill ID KILL").text();
    lab.await_status("stopped");
    assert_eq!(lab.oci("pause ID").error(), "container not running");
}

#[test]
fn an_exec_waits_for_a_paused_container_if_it_may() {
    let lab = Lab::new(COUNT);
    lab.oci("run --detach ID").text();
    lab.await_file("tmp/count");
    lab.oci("pause ID").text();
    let error = "exec failed: cannot exec in a paused container (use --ignore-paused to override)";
    assert_eq!(lab.oci("exec ID true").error(), error);
    let mut exec = lab.command("exec --ignore-paused ID true").stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(200));
    assert!(exec.try_wait().unwrap().is_none());
    lab.oci("resume ID").text();
    assert!(exec.wait().unwrap().success());
}

/// The limit of processes, as the kernel has it.
fn pids_max(lab: &Lab) -> String {
    let files = lab.cgroups().into_iter().map(|cgroup| cgroup.join("pids.max"));
    let file = files.into_iter().find(|file| file.exists()).expect("the container has a limit");
    fs_err::read_to_string(file).unwrap().trim().to_owned()
}

#[test]
fn limits_are_changed_by_flags_and_by_a_file() {
    let mut lab = Lab::new("sleep 1000");
    lab.config["linux"]["resources"] = serde_json::json!({"pids": {"limit": 100}});
    lab.oci("run --detach ID").text();
    assert_eq!(pids_max(&lab), "100");
    lab.oci("update --pids-limit 50 ID").text();
    assert_eq!(pids_max(&lab), "50");
    fs_err::write(lab.bundle().join("r.json"), r#"{"pids": {"limit": 60}}"#).unwrap();
    lab.oci("update --resources r.json ID").text();
    assert_eq!(pids_max(&lab), "60");
    let file = std::fs::File::open(lab.bundle().join("r.json")).unwrap();
    lab.oci("update --pids-limit 70 ID").text();
    lab.run(lab.command("update --resources - ID").stdin(file)).text();
    assert_eq!(pids_max(&lab), "60");
    fs_err::write(lab.bundle().join("r.json"), r#"{"pids": {"limit": "x"}}"#).unwrap();
    assert!(lab.oci("update --resources r.json ID").error().contains("`r.json`: pids.limit: invalid type"));
    assert_eq!(pids_max(&lab), "60");
}

#[test]
fn processes_as_pids_and_as_a_table() {
    let lab = Lab::new("sleep 1000 & echo up > /tmp/up; exec sleep 2000");
    lab.oci("run --detach ID").text();
    lab.await_file("tmp/up");
    let mut pids: Vec<i64> = serde_json::from_str(lab.oci("ps --format json ID").text()).unwrap();
    pids.retain(|pid| *pid != lab.state()["pid"]);
    assert_eq!(pids.len(), 1, "init and its child");
    let table = lab.oci("ps ID");
    let lines: Vec<_> = table.text().lines().collect();
    assert!(lines[0].contains("PID") && lines.len() == 3, "{table:?}");
    assert!(lines.iter().any(|line| line.ends_with("sleep 1000")), "{table:?}");
    let chosen = lab.oci("ps ID -o pid,args");
    assert!(chosen.text().contains(&pids[0].to_string()), "{chosen:?}");
    assert!(lab.oci("ps ID -o args").error().contains("no column PID"));
}
