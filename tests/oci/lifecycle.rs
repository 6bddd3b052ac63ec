//! The states of a container, and which verb is allowed in which.

use super::harness::Lab;

const WAIT: &str = "sleep 1000";

#[test]
fn a_life() {
    let lab = Lab::new("echo ran > /tmp/ran; exec sleep 1000");
    lab.oci("create ID").text();
    assert_eq!(lab.status(), "created");
    assert!(!lab.inside("tmp/ran").exists(), "create must not execute the program");
    lab.oci("start ID").text();
    assert_eq!(lab.status(), "running");
    assert_eq!(lab.await_file("tmp/ran"), "ran");
    lab.oci("kill ID KILL").text();
    lab.await_status("stopped");
    lab.oci("delete ID").text();
    assert_eq!(lab.oci("state ID").error(), "container does not exist");
}

#[test]
fn a_program_that_ends_by_itself() {
    let lab = Lab::new("exit 3");
    lab.oci("create ID").text();
    lab.oci("start ID").text();
    lab.await_status("stopped");
    assert_eq!(lab.state()["pid"], 0);
    lab.oci("delete ID").text();
}

#[test]
fn an_id_is_used_once() {
    let lab = Lab::new(WAIT);
    lab.oci("create ID").text();
    assert_eq!(lab.oci("create ID").error(), "create failed: container with given ID already exists");
    assert_eq!(lab.status(), "created");
    lab.oci("delete --force ID").text();
    lab.oci("create ID").text();
}

#[test]
fn ids_that_lead_elsewhere() {
    let lab = Lab::new(WAIT);
    for verb in ["create", "start", "state", "kill", "delete"] {
        assert!(lab.oci(&format!("{verb} ../x")).error().contains("invalid container ID format"), "{verb}");
        let empty = lab.run(lab.command(verb).arg(""));
        assert!(empty.error().contains("container id cannot be empty"), "{verb}");
    }
}

#[test]
fn what_is_not_there() {
    let lab = Lab::new(WAIT);
    for line in ["start ID", "state ID", "kill ID", "delete ID"] {
        let outcome = lab.oci(line);
        assert_eq!((outcome.code, outcome.error().as_str()), (1, "container does not exist"), "{line}");
    }
    lab.oci("delete --force ID").text();
}

#[test]
fn only_a_created_container_is_started() {
    let lab = Lab::new(WAIT);
    lab.oci("create ID").text();
    lab.oci("start ID").text();
    assert_eq!(lab.oci("start ID").error(), "cannot start an already running container");
    lab.oci("kill ID KILL").text();
    lab.await_status("stopped");
    assert_eq!(lab.oci("start ID").error(), "cannot start a container that has stopped");
}

#[test]
fn a_container_that_has_not_stopped_is_deleted_by_force_only() {
    let lab = Lab::new(WAIT);
    for (verb, status) in [("create ID", "created"), ("start ID", "running"), ("pause ID", "paused")] {
        lab.oci(verb).text();
        let error = format!("cannot delete container {} that is not stopped: {status}", lab.id());
        assert_eq!(lab.oci("delete ID").error(), error);
        assert_eq!(lab.status(), status);
    }
    lab.oci("delete --force ID").text();
    assert_eq!(lab.oci("state ID").error(), "container does not exist");
}

#[test]
fn a_container_without_a_process_is_created_and_not_started() {
    let mut lab = Lab::new(WAIT);
    lab.config.as_object_mut().unwrap().remove("process");
    lab.oci("create ID").text();
    assert_eq!(lab.status(), "created");
    assert_eq!(lab.oci("start ID").error(), "cannot start a container whose configuration has no `process`");
    assert_eq!(lab.status(), "created");
}

#[test]
fn a_program_that_is_not_there_stops_the_container() {
    let mut lab = Lab::new(WAIT);
    lab.config["process"]["args"] = serde_json::json!(["no-such-program"]);
    lab.oci("create ID").text();
    assert_eq!(lab.oci("start ID").error(), "exec: `no-such-program`: executable file not found in $PATH");
    assert_eq!(lab.status(), "stopped");
    lab.oci("delete ID").text();
}

#[test]
fn a_failed_create_leaves_nothing() {
    let mut lab = Lab::new(WAIT);
    lab.config["mounts"].as_array_mut().unwrap().push(serde_json::json!(
        {"destination": "/x", "source": "/no/such/source", "options": ["bind"]}));
    let error = lab.oci("create ID").error();
    assert!(error.contains("cannot open mount source `/no/such/source`"), "{error}");
    assert_eq!(lab.oci("state ID").error(), "container does not exist");
    assert!(lab.cgroups().is_empty());
}

#[test]
fn a_killed_create_leaves_no_init() {
    let mut lab = Lab::new(WAIT);
    let hook = serde_json::json!([{"path": "/bin/sh", "args": ["sh", "-c", "echo $$ > hook; echo $PPID > pid; exec sleep 1000"]}]);
    lab.config["hooks"] = serde_json::json!({"createRuntime": hook});
    let mut create = lab.command("create ID").spawn().unwrap();
    let pid = lab.await_file("../pid");
    assert_eq!(pid, create.id().to_string());
    assert_eq!(lab.status(), "creating");
    create.kill().unwrap();
    create.wait().unwrap();
    lab.await_status("stopped");
    // The hook is nobody's any more.
    let hook = lab.await_file("../hook").parse().unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(hook), nix::sys::signal::Signal::SIGKILL).unwrap();
    lab.oci("delete ID").text();
}
