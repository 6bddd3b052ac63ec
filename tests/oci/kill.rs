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
fn unknown_signals() {
    let lab = Lab::new("sleep 1000");
    lab.oci("create ID").text();
    assert_eq!(lab.oci("kill ID FROB").error(), "unknown signal \"FROB\"");
    assert_eq!(lab.status(), "created");
}
