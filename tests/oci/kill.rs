//! `kill`: which signals reach whom, and when.

use super::harness::Lab;

const TRAP: &str = "trap 'echo got > /tmp/got; exit 5' USR1; echo up > /tmp/up; while :; do sleep 0.05; done";

#[test]
fn signals_by_name_and_number() {
    for signal in ["USR1", "SIGUSR1", "sigusr1", "10"] {
        let lab = Lab::new(TRAP);
        lab.oci("create ID").text();
        lab.oci("start ID").text();
        lab.await_file("tmp/up");
        lab.oci(&format!("kill ID {signal}")).text();
        lab.await_status("stopped");
        assert_eq!(lab.await_file("tmp/got"), "got", "{signal}");
    }
}

#[test]
fn term_is_the_default() {
    let lab = Lab::new("trap 'exit 0' TERM; echo up > /tmp/up; while :; do sleep 0.05; done");
    lab.oci("create ID").text();
    lab.oci("start ID").text();
    lab.await_file("tmp/up");
    lab.oci("kill ID").text();
    lab.await_status("stopped");
}

#[test]
fn a_created_container_ends_by_signals_that_end_programs() {
    for (signal, status) in [("TERM", "stopped"), ("INT", "stopped"), ("KILL", "stopped"), ("WINCH", "created")] {
        let lab = Lab::new("true");
        lab.oci("create ID").text();
        lab.oci(&format!("kill ID {signal}")).text();
        lab.await_status(status);
    }
}

#[test]
fn a_stopped_container_is_not_signalled() {
    let lab = Lab::new("true");
    lab.oci("create ID").text();
    lab.oci("start ID").text();
    lab.await_status("stopped");
    assert_eq!(lab.oci("kill ID KILL").error(), "container not running");
    lab.oci("kill --all ID KILL").text();
}

#[test]
fn signals_of_real_time_by_number() {
    let lab = Lab::new("sleep 1000");
    lab.oci("create ID").text();
    lab.oci("start ID").text();
    assert_eq!(lab.oci("kill ID 32").error(), "unknown signal \"32\"");
    let mut lab = Lab::new("");
    let script = "use POSIX; sub said { open(F, '>', shift); print F \"got\\n\"; close F }
        sigaction(37, POSIX::SigAction->new(sub { said('/tmp/got'); exit 0 })); said('/tmp/up'); sleep 1 while 1";
    lab.config["process"]["args"] = serde_json::json!(["perl", "-e", script]);
    lab.oci("create ID").text();
    lab.oci("start ID").text();
    lab.await_file("tmp/up");
    lab.oci("kill ID 37").text();
    lab.await_status("stopped");
    assert_eq!(lab.await_file("tmp/got"), "got");
}

#[test]
fn signal_0_asks_whether_it_runs() {
    let lab = Lab::new("sleep 1000");
    lab.oci("run --detach ID").text();
    lab.oci("kill ID 0").text();
    assert_eq!(lab.status(), "running");
    lab.oci("kill ID KILL").text();
    lab.await_status("stopped");
    assert_eq!(lab.oci("kill ID 0").error(), "container not running");
}

#[test]
fn what_outlives_its_init_is_killed() {
    let mut lab = Lab::new("exec sleep 1000");
    lab.config["linux"]["namespaces"].as_array_mut().unwrap().retain(|namespace| namespace["type"] != "pid");
    lab.oci("run --detach ID").text();
    lab.oci("exec --detach --pid-file exec.pid ID sleep 2000").text();
    let pid: i32 = fs_err::read_to_string(lab.bundle().join("exec.pid")).unwrap().parse().unwrap();
    let init = lab.state()["pid"].as_i64().unwrap();
    let init = rustix::process::Pid::from_raw(i32::try_from(init).unwrap()).unwrap();
    rustix::process::kill_process(init, rustix::process::Signal::KILL).unwrap();
    lab.await_status("stopped");
    assert_eq!(lab.oci("kill ID TERM").error(), "container not running");
    lab.oci("kill ID KILL").text();
    let ended = rustix::process::waitpid(rustix::process::Pid::from_raw(pid), rustix::process::WaitOptions::empty());
    assert_eq!(ended.unwrap().unwrap().1.terminating_signal(), Some(9));
    assert_eq!(lab.oci("kill ID KILL").error(), "container not running");
}

#[test]
fn unknown_signals() {
    let lab = Lab::new("sleep 1000");
    lab.oci("create ID").text();
    assert_eq!(lab.oci("kill ID FROB").error(), "unknown signal \"FROB\"");
    assert_eq!(lab.status(), "created");
}
