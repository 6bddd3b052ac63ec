//! What of a bundle decides where things are; what is wrong with one is told by field.

use serde_json::json;

use super::harness::Lab;

#[test]
fn another_directory() {
    let lab = Lab::new("echo here");
    let outcome = lab.run(lab.command("run --bundle bundle ID").current_dir(lab.directory.path()));
    assert_eq!(outcome.text(), "here");
}

#[test]
fn no_bundle() {
    let lab = Lab::new("true");
    let error = lab.oci("create --bundle /no/such/bundle ID").error();
    assert!(error.starts_with("create failed: cannot read bundle `/no/such/bundle`: "), "{error}");
    let error = lab.oci("create --bundle rootfs ID").error();
    assert!(error.contains("/bundle/rootfs/config.json`: "), "{error}");
}

#[test]
fn a_value_of_the_wrong_kind_is_named_with_its_place() {
    let mut lab = Lab::new("true");
    lab.config["linux"]["resources"] = json!({"memory": {"limit": "1g"}});
    let error = lab.oci("create ID").error();
    assert!(
        error.contains("linux.resources.memory.limit: invalid type: string \"1g\", expected i64 at line 1"),
        "{error}"
    );
}

#[test]
fn unknown_properties_are_ignored() {
    let mut lab = Lab::new("echo fine");
    lab.config["org.example"] = json!({"a": [1]});
    lab.config["process"]["frob"] = json!(true);
    assert_eq!(lab.oci("run ID").text(), "fine");
}

/// What the specification defines is never dropped silently.
#[test]
fn known_properties_that_are_not_obeyed_are_refused() {
    for (pointer, field, value, expected) in [
        ("", "freebsd", json!({"jail": {}}), "`freebsd` is not supported"),
        ("", "windows", json!({"layerFolders": ["x"]}), "`windows` is not supported"),
        ("/linux", "netDevices", json!({"eth0": {"name": "eth1"}}), "`linux.netDevices` is not supported"),
        ("/linux", "intelRdt", json!({"closID": "x", "schemata": ["MB:0=10"]}), "`linux.intelRdt` is not supported"),
        ("/linux", "intelRdt", json!({"enableMonitoring": true}), "`linux.intelRdt` is not supported"),
        ("/linux", "memoryPolicy", json!({"mode": "MPOL_X"}), "linux.memoryPolicy.mode: unknown variant `MPOL_X`"),
    ] {
        let mut lab = Lab::new("true");
        lab.config.pointer_mut(pointer).unwrap()[field] = value;
        let error = lab.oci("create ID").error();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn the_specifications_words() {
    // What the shell starts is scheduled as usual.
    let mut lab = Lab::new("cut -d' ' -f41 /proc/self/stat");
    lab.config["process"]["scheduler"] =
        json!({"policy": "SCHED_RR", "priority": 3, "flags": ["SCHED_FLAG_RESET_ON_FORK"]});
    assert_eq!(lab.oci("run ID").text(), "0");
    lab.config["process"]["scheduler"]["flags"] = json!([]);
    assert_eq!(lab.oci("run ID").text(), "2");
}

#[test]
fn capabilities_that_nobody_knows() {
    let mut lab = Lab::new("grep CapBnd /proc/self/status");
    let before = lab.oci("run ID");
    lab.config["process"]["capabilities"]["bounding"].as_array_mut().unwrap().push(json!("CAP_OF_TOMORROW"));
    let outcome = lab.oci("run ID");
    assert_eq!(outcome.text(), before.text());
    let warning = "level=warning msg=\"unknown capabilities are ignored: CAP_OF_TOMORROW\"";
    assert!(outcome.stderr.contains(warning), "{outcome:?}");
}

#[test]
fn without_a_user_it_is_root() {
    let mut lab = Lab::new("id -u");
    lab.config["process"].as_object_mut().unwrap().remove("user");
    assert_eq!(lab.oci("run ID").text(), "0");
}

#[test]
fn other_versions() {
    let mut lab = Lab::new("true");
    for version in ["1.0.0", "1.0.2-dev", "1.99.0"] {
        lab.config["ociVersion"] = json!(version);
        lab.oci("run ID").text();
    }
    lab.config["ociVersion"] = json!("2.0.0");
    assert!(lab.oci("create ID").error().contains("`ociVersion` is 2.0.0"));
}

#[test]
fn the_root_is_relative_to_the_bundle_or_absolute() {
    let mut lab = Lab::new("cat /tmp/mark");
    fs_err::write(lab.inside("tmp/mark"), "mine").unwrap();
    assert_eq!(lab.oci("run ID").text(), "mine");
    lab.config["root"]["path"] = json!(lab.inside(""));
    assert_eq!(lab.oci("run ID").text(), "mine");
    lab.config["root"]["path"] = json!("absent");
    assert!(lab.oci("create ID").error().contains("`root.path` cannot be used"));
}

#[test]
fn a_root_that_is_not_written_to() {
    let mut lab = Lab::new("touch /tmp/x");
    lab.config["root"]["readonly"] = json!(true);
    let outcome = lab.oci("run ID");
    assert_ne!(outcome.code, 0);
    assert!(outcome.stderr.contains("Read-only file system"), "{outcome:?}");
}

#[test]
fn sources_of_binds_are_relative_to_the_bundle() {
    let mut lab = Lab::new("cat /data/file");
    fs_err::create_dir(lab.bundle().join("data")).unwrap();
    fs_err::write(lab.bundle().join("data/file"), "bound").unwrap();
    lab.config["mounts"]
        .as_array_mut()
        .unwrap()
        .push(json!({"destination": "/data", "source": "data", "options": ["bind"]}));
    assert_eq!(lab.oci("run ID").text(), "bound");
}

/// The kernel would ignore it: runc refuses it, too.
#[test]
fn a_bind_has_no_options_of_a_file_system() {
    let mut lab = Lab::new("true");
    let mount = json!({"destination": "/data", "source": "data", "options": ["bind", "mode=700"]});
    fs_err::create_dir(lab.bundle().join("data")).unwrap();
    lab.config["mounts"].as_array_mut().unwrap().push(mount);
    let error = lab.oci("create ID").error();
    assert!(error.contains("`/data`") && error.contains("`mode`"), "{error}");
}

#[test]
fn the_cgroup_is_where_it_says_and_gone_afterwards() {
    let mut lab = Lab::new("cat /proc/1/cgroup");
    lab.config["linux"]["namespaces"].as_array_mut().unwrap().retain(|namespace| namespace["type"] != "cgroup");
    for (flag, path, expected) in [
        ("", "/rcompose/ID", "/rcompose/ID"),
        ("", "rcompose/ID", "/rcompose/ID"),
        ("--systemd-cgroup", "rcompose-test.slice:oci:ID", "/rcompose.slice/rcompose-test.slice/oci-ID.scope"),
    ] {
        lab.config["linux"]["cgroupsPath"] = json!(path.replace("ID", lab.id()));
        let outcome = lab.oci(&format!("{flag} run ID"));
        let expected = expected.replace("ID", lab.id());
        assert!(outcome.text().lines().any(|line| line.ends_with(&format!(":{expected}"))), "{outcome:?}");
    }
    // The slices are not the container's to remove.
    for root in
        fs_err::read_dir("/sys/fs/cgroup").unwrap().map(|entry| entry.unwrap().path()).chain(["/sys/fs/cgroup".into()])
    {
        let scope = root.join("rcompose.slice/rcompose-test.slice");
        assert!(!scope.join(format!("oci-{}.scope", lab.id())).exists());
        let _ = fs_err::remove_dir(&scope);
        let _ = fs_err::remove_dir(root.join("rcompose.slice"));
    }
}
