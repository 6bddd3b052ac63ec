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
    lab.oci("update --memory 50M ID").text();
    let memory =
        lab.cgroups().into_iter().flat_map(|path| ["memory.max", "memory.limit_in_bytes"].map(|file| path.join(file)));
    let memory = memory.into_iter().find(|file| file.exists()).expect("the container has a limit");
    assert_eq!(fs_err::read_to_string(memory).unwrap().trim(), (50 << 20).to_string());
    fs_err::write(lab.bundle().join("r.json"), r#"{"pids": {"limit": "x"}}"#).unwrap();
    assert!(lab.oci("update --resources r.json ID").error().contains("`r.json`: pids.limit: invalid type"));
    assert_eq!(pids_max(&lab), "60");
}

#[test]
fn without_a_limit_of_memory_there_is_none_of_swap() {
    let mut lab = Lab::new("sleep 1000");
    lab.config["linux"]["resources"] = serde_json::json!({"memory": {"limit": 32 << 20, "swap": 64 << 20}});
    lab.oci("run --detach ID").text();
    lab.oci("update --memory -1 ID").text();
    let limit = |names: [&str; 2]| {
        let files = lab.cgroups().into_iter().flat_map(|path| names.map(|name| path.join(name)));
        let file = files.into_iter().find(|file| file.exists()).expect("the container has a limit");
        fs_err::read_to_string(file).unwrap().trim().to_owned()
    };
    // What the kernel writes for none.
    let none = ["max", "9223372036854771712"];
    assert!(none.contains(&limit(["memory.max", "memory.limit_in_bytes"]).as_str()));
    assert!(none.contains(&limit(["memory.swap.max", "memory.memsw.limit_in_bytes"]).as_str()));
}

#[test]
fn it_is_in_a_cgroup_of_every_hierarchy() {
    let lab = Lab::new("sleep 1000");
    lab.oci("run --detach ID").text();
    let pid = lab.state()["pid"].as_i64().unwrap();
    let text = fs_err::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    let mounted = fs_err::read_to_string("/proc/self/mountinfo").unwrap();
    let mounts = mounted.lines().filter(|line| line.contains(" - cgroup")).filter_map(|line| line.split(' ').nth(4));
    // In a new cgroup there, nobody may be scheduled in real time.
    let takes_rights = |path: &&str| std::path::Path::new(path).join("cpu.rt_runtime_us").exists();
    let hierarchies = mounts.filter(|path| !takes_rights(path)).count();
    let own = text.lines().filter(|line| line.ends_with(lab.id())).count();
    assert_eq!(own, hierarchies, "{text}");
}

#[test]
fn a_cgroup_that_is_frozen_is_refused() {
    let lab = Lab::new("true");
    let freezers = ["/sys/fs/cgroup/freezer/rcompose", "/sys/fs/cgroup/rcompose"];
    let own = freezers.map(|parent| std::path::Path::new(parent).join(lab.id()));
    let own = own.into_iter().find(|path| path.ancestors().nth(2).unwrap().join("cgroup.procs").exists()).unwrap();
    fs_err::create_dir_all(&own).unwrap();
    let file = ["freezer.state", "cgroup.freeze"].map(|name| own.join(name));
    let file = file.iter().find(|file| file.exists()).unwrap();
    fs_err::write(file, if file.ends_with("cgroup.freeze") { "1" } else { "FROZEN" }).unwrap();
    let error = lab.oci("create ID").error();
    assert!(error.contains(" is frozen: what is put into it would never run"), "{error}");
    assert_eq!(lab.cgroups(), std::slice::from_ref(&own), "it is somebody else's");
    rustix::fs::rmdir(&own).unwrap();
    // The parent is there as long as a container is.
    let _ = rustix::fs::rmdir(own.parent().unwrap());
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
    lab.oci("kill ID KILL").text();
    lab.await_status("stopped");
    assert_eq!(lab.oci("ps --format json ID").text(), "[]");
    assert_eq!(lab.oci("ps ID").text().lines().count(), 1);
}
