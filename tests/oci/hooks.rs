//! Hooks: when, where, with what, and what becomes of a container whose hooks fail.

use serde_json::{Value, json};

use super::harness::Lab;

const POINTS: [&str; 6] = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"];

/// A hook that appends to a file, which is at the same path inside and outside of the container.
fn script(text: &str) -> Value {
    json!({"path": "/bin/sh", "args": ["sh", "-c", text], "env": ["PATH=/usr/bin:/bin"]})
}

/// A lab whose container sees the host's scratch directory at the same path; the script gets it as `$out`.
fn lab(script: &str) -> Lab {
    let mut lab = Lab::new(script);
    let out = lab.directory.path().join("out");
    fs_err::create_dir(&out).unwrap();
    lab.config["mounts"].as_array_mut().unwrap().push(json!({"destination": out, "source": out, "options": ["bind"]}));
    lab.config["process"]["env"].as_array_mut().unwrap().push(json!(format!("out={}", out.display())));
    lab
}

fn out(lab: &Lab, name: &str) -> String {
    fs_err::read_to_string(lab.directory.path().join("out").join(name)).unwrap_or_default()
}

fn set(lab: &mut Lab, point: &str, hooks: Value) {
    lab.config["hooks"][point] = hooks;
}

#[test]
fn all_in_their_order() {
    let mut lab = lab("echo program >> $out/order");
    let order = lab.directory.path().join("out/order");
    for point in POINTS {
        let first = script(&format!("echo {point} >> {}", order.display()));
        let second = script(&format!("echo {point}2 >> {}", order.display()));
        set(&mut lab, point, json!([first, second]));
    }
    lab.oci("create ID").text();
    assert_eq!(
        out(&lab, "order"),
        "prestart\nprestart2\ncreateRuntime\ncreateRuntime2\ncreateContainer\ncreateContainer2\n"
    );
    lab.oci("start ID").text();
    lab.await_status("stopped");
    lab.oci("delete ID").text();
    let order = out(&lab, "order");
    let after: Vec<&str> = order.lines().skip(6).collect();
    assert_eq!(after[..2], ["startContainer", "startContainer2"]);
    // The program runs beside the hooks that come after its start.
    let mut middle = after[2..5].to_vec();
    middle.sort_unstable();
    assert_eq!(middle, ["poststart", "poststart2", "program"]);
    assert_eq!(after[5..], ["poststop", "poststop2"]);
}

#[test]
fn the_state_is_on_standard_input() {
    let mut lab = lab("sleep 1000");
    for point in POINTS {
        let file = lab.directory.path().join("out").join(point);
        set(&mut lab, point, json!([script(&format!("cat > {}", file.display()))]));
    }
    lab.oci("create ID").text();
    let pid = lab.state()["pid"].clone();
    lab.oci("start ID").text();
    lab.oci("delete --force ID").text();
    for (point, status, expected_pid) in [
        ("prestart", "created", &pid),
        ("createRuntime", "created", &pid),
        ("createContainer", "created", &json!(1)),
        ("startContainer", "created", &json!(1)),
        ("poststart", "running", &pid),
        ("poststop", "stopped", &Value::Null),
    ] {
        let state: Value = serde_json::from_str(&out(&lab, point)).unwrap();
        assert_eq!(state["status"], status, "{point}");
        assert_eq!(&state["pid"], expected_pid, "{point}");
        assert_eq!(state["id"], lab.id(), "{point}");
        assert_eq!(state["bundle"], lab.bundle().to_str().unwrap(), "{point}");
        assert_eq!(state["ociVersion"], "1.2.0", "{point}");
        assert_eq!(state["annotations"]["org.example.key"], "value", "{point}");
    }
}

#[test]
fn each_in_its_namespaces() {
    let mut lab = lab("sleep 1000");
    for point in POINTS {
        let file = lab.directory.path().join("out").join(point);
        let text = format!("{{ readlink /proc/self/ns/uts; ls / | tr '\\n' ' '; }} > {}", file.display());
        set(&mut lab, point, json!([script(&text)]));
    }
    lab.oci("create ID").text();
    let pid = lab.state()["pid"].clone();
    let uts = |pid: &str| fs_err::read_link(format!("/proc/{pid}/ns/uts")).unwrap().display().to_string();
    let (ours, theirs) = (uts("self"), uts(&pid.to_string()));
    lab.oci("start ID").text();
    lab.oci("delete --force ID").text();
    for (point, namespace, sees_host) in [
        ("prestart", &ours, true),
        ("createRuntime", &ours, true),
        // In the container's namespaces, but before its root is the root.
        ("createContainer", &theirs, true),
        ("startContainer", &theirs, false),
        ("poststart", &ours, true),
        ("poststop", &ours, true),
    ] {
        let text = out(&lab, point);
        let (uts, root) = text.split_once('\n').unwrap();
        assert_eq!(uts, namespace, "{point}");
        assert_eq!(root.split(' ').any(|name| name == "home"), sees_host, "{point}: {root}");
    }
}

#[test]
fn a_hook_that_says_no_environment_has_that_of_who_runs_it() {
    let mut lab = lab("true");
    let print = |name: &str| {
        let file = lab.directory.path().join("out").join(name);
        json!([{"path": "/bin/sh", "args": ["sh", "-c", format!("echo \"$CALLER,$PROGRAM,$HOME\" > {}", file.display())]}])
    };
    let (creator, program) = (print("creator"), print("program"));
    set(&mut lab, "createRuntime", creator);
    set(&mut lab, "startContainer", program);
    lab.config["process"]["env"].as_array_mut().unwrap().push(json!("PROGRAM=yes"));
    lab.run(lab.command("run ID").env("CALLER", "yes").env("HOME", "/host")).text();
    assert_eq!((out(&lab, "creator").as_str(), out(&lab, "program").as_str()), ("yes,,/host\n", ",yes,/\n"));
}

#[test]
fn arguments_and_environment_are_exact() {
    let mut lab = lab("true");
    let file = lab.directory.path().join("out/seen");
    let text = format!("{{ echo \"$0 $1\"; tr '\\0' ' ' < /proc/$$/environ; }} > {}", file.display());
    set(
        &mut lab,
        "createRuntime",
        json!([{"path": "/bin/sh", "args": ["odd", "-c", text, "zero", "one"], "env": ["A=b c", "D="]}]),
    );
    lab.oci("run ID").text();
    assert_eq!(out(&lab, "seen"), "zero one\nA=b c D= ");
}

#[test]
fn a_failure_while_creating_undoes_the_container() {
    for point in ["prestart", "createRuntime", "createContainer"] {
        let mut lab = lab("echo ran > $out/ran");
        set(&mut lab, point, json!([script("echo reason; echo more >&2; exit 3"), script("echo never > /tmp/never")]));
        let stopped = lab.directory.path().join("out/stopped");
        set(&mut lab, "poststop", json!([script(&format!("echo {point} > {}", stopped.display()))]));
        let error = lab.oci("create ID").error();
        let expected = format!(
            "create failed: error running {point} hook #0: `/bin/sh`: exit status: 3, stdout and stderr: reason\nmore"
        );
        assert_eq!(error, expected);
        assert_eq!(lab.oci("state ID").error(), "container does not exist");
        assert_eq!(out(&lab, "stopped"), format!("{point}\n"));
        assert!(lab.cgroups().is_empty());
    }
}

#[test]
fn a_failure_before_the_program_stops_the_container() {
    let mut lab = lab("echo ran > $out/ran");
    set(&mut lab, "startContainer", json!([script("exit 3")]));
    lab.oci("create ID").text();
    assert_eq!(lab.oci("start ID").error(), "error running startContainer hook #0: `/bin/sh`: exit status: 3");
    assert_eq!(lab.status(), "stopped");
    assert_eq!(out(&lab, "ran"), "");
}

#[test]
fn a_failure_afterwards_is_a_warning() {
    let mut lab = lab("exec sleep 1000");
    let again = lab.directory.path().join("out/again");
    for point in ["poststart", "poststop"] {
        let second = script(&format!("echo {point} >> {}", again.display()));
        set(&mut lab, point, json!([script("exit 3"), second]));
    }
    lab.oci("create ID").text();
    let start = lab.oci("start ID");
    assert_eq!(start.code, 0);
    assert!(
        start.stderr.contains("level=warning msg=\"error running poststart hook #0: `/bin/sh`: exit status: 3\""),
        "{start:?}"
    );
    assert_eq!(lab.status(), "running");
    let delete = lab.oci("delete --force ID");
    assert_eq!(delete.code, 0);
    assert!(delete.stderr.contains("poststop hook #0"), "{delete:?}");
    assert_eq!(out(&lab, "again"), "poststart\npoststop\n");
}

#[test]
fn a_hook_that_takes_too_long_is_killed() {
    let mut lab = lab("true");
    let file = lab.directory.path().join("out/pid");
    let mut hook = script(&format!("echo $$ > {}; sleep 1000", file.display()));
    hook["timeout"] = json!(1);
    set(&mut lab, "createRuntime", json!([hook]));
    let error = lab.oci("create ID").error();
    assert_eq!(error, "create failed: error running createRuntime hook #0: `/bin/sh`: it took longer than 1 s");
    assert!(!std::path::Path::new("/proc").join(out(&lab, "pid").trim()).exists());
}

#[test]
fn a_hook_that_is_not_there() {
    let mut lab = lab("true");
    set(&mut lab, "prestart", json!([{"path": "/no/such/hook"}]));
    let error = lab.oci("create ID").error();
    assert!(error.contains("prestart hook #0: `/no/such/hook`: no such file or directory"), "{error}");
}
