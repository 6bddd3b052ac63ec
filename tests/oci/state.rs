//! `state`: what the runtime specification and runc have in it.

use super::harness::Lab;

#[test]
fn each_field() {
    let lab = Lab::new("sleep 1000");
    lab.oci("create ID").text();
    let state = lab.state();
    assert_eq!(state["ociVersion"], "1.2.0");
    assert_eq!(state["id"], lab.id());
    assert_eq!(state["status"], "created");
    assert_eq!(state["bundle"], lab.bundle().to_str().unwrap());
    assert_eq!(state["rootfs"], lab.inside("").to_str().unwrap().trim_end_matches('/'));
    assert_eq!(state["annotations"], serde_json::json!({"org.example.key": "value"}));
    let created: jiff::Timestamp = state["created"].as_str().unwrap().parse().unwrap();
    assert!(created.duration_until(jiff::Timestamp::now()).as_secs() < 60);
    let pid = state["pid"].as_i64().unwrap();
    let root = fs_err::read_to_string(format!("/proc/{pid}/mountinfo")).unwrap();
    assert!(root.lines().any(|line| line.contains("/bundle/rootfs / ")), "{root}");
}

#[test]
fn the_init_falls_to_the_callers_subreaper() {
    let lab = Lab::new("sleep 1000");
    lab.oci("create ID").text();
    let status = fs_err::read_to_string(format!("/proc/{}/status", lab.state()["pid"])).unwrap();
    assert!(status.contains(&format!("PPid:\t{}\n", std::process::id())), "{status}");
}
