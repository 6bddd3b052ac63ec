//! `spec` and `features`: what there is to ask for.

use std::process::Command;

use serde_json::{Value, json};

use super::harness::Lab;

fn spec(lab: &Lab, flags: &[&str]) -> Value {
    let directory = tempfile::tempdir_in(lab.directory.path()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_rcompose"));
    command.args(["oci", "spec"]).args(flags).current_dir(directory.path());
    lab.run(&mut command).text();
    // What is there is not overwritten.
    assert!(lab.run(&mut command).error().contains("cannot write `./config.json`"));
    serde_json::from_str(&fs_err::read_to_string(directory.path().join("config.json")).unwrap()).unwrap()
}

#[test]
fn what_spec_writes_can_be_run() {
    let mut lab = Lab::new("");
    let mounts = lab.config["mounts"][0].clone();
    lab.config = spec(&lab, &[]);
    assert_eq!(lab.config["process"]["terminal"], true);
    lab.config["process"]["terminal"] = json!(false);
    lab.config["process"]["args"] =
        json!(["sh", "-c", "hostname; test -e /proc/self && test -c /dev/null && echo fine"]);
    // A machine may not let it raise limits.
    lab.config["process"]["rlimits"] = json!([]);
    lab.config["root"]["readonly"] = json!(false);
    lab.config["mounts"].as_array_mut().unwrap().push(mounts);
    fs_err::create_dir(lab.inside("sys")).unwrap();
    assert_eq!(lab.oci("run ID").text(), "rcompose\nfine");
}

#[test]
fn a_spec_for_a_user_without_rights() {
    let lab = Lab::new("");
    let config = spec(&lab, &["--rootless"]);
    let kinds: Vec<_> =
        config["linux"]["namespaces"].as_array().unwrap().iter().map(|namespace| &namespace["type"]).collect();
    assert!(kinds.contains(&&json!("user")) && !kinds.contains(&&json!("network")), "{kinds:?}");
    assert_eq!(config["linux"]["uidMappings"][0]["hostID"], 0);
    assert_eq!(config["linux"].get("resources"), None);
}

#[test]
fn features() {
    let lab = Lab::new("");
    let features: Value = serde_json::from_str(lab.oci("features").text()).unwrap();
    assert_eq!(features["ociVersionMin"], "1.0.0");
    assert_eq!(features["hooks"].as_array().unwrap().len(), 6);
    assert_eq!(features["linux"]["seccomp"]["enabled"], true);
    assert!(features["linux"]["seccomp"]["actions"].as_array().unwrap().contains(&json!("SCMP_ACT_NOTIFY")));
    assert!(features["linux"]["capabilities"].as_array().unwrap().contains(&json!("CAP_SYS_ADMIN")));
    assert!(lab.oci("--version").text().contains("spec: "));
}

#[test]
fn security_modules_that_are_not_there_are_named() {
    let mut lab = Lab::new("true");
    for (field, file, module) in [
        ("apparmorProfile", "/sys/module/apparmor", "AppArmor"),
        ("selinuxLabel", "/sys/fs/selinux/enforce", "SELinux"),
    ] {
        if std::path::Path::new(file).exists() {
            eprintln!("skipped for {module}, which this kernel has");
            continue;
        }
        let process = lab.config["process"].clone();
        lab.config["process"][field] = json!("some");
        let refused = lab.oci("run ID");
        assert!(refused.stderr.contains(&format!("process.{field}")) && refused.stderr.contains(module), "{refused:?}");
        lab.config["process"] = process;
    }
    lab.config["process"]["apparmorProfile"] = json!("unconfined");
    lab.oci("run ID").text();
}

#[test]
fn every_mount_option_it_names_is_taken() {
    let mut lab = Lab::new("true");
    let features: Value = serde_json::from_str(lab.oci("features").text()).unwrap();
    let mounts = lab.config["mounts"].clone();
    for option in features["mountOptions"].as_array().unwrap() {
        lab.config["mounts"] = mounts.clone();
        let bind = option.as_str().unwrap().trim_start_matches('r') == "bind";
        // Owners cannot be mapped without a mapping, and mandatory locks went out of the kernel.
        if option.as_str().unwrap().contains("idmap") || option == "mand" {
            continue;
        }
        let mount = if bind || option.as_str().unwrap().contains("private") {
            json!({"destination": "/x", "source": "/usr", "options": ["bind", option]})
        } else {
            json!({"destination": "/x", "type": "tmpfs", "source": "tmpfs", "options": [option]})
        };
        lab.config["mounts"].as_array_mut().unwrap().push(mount);
        lab.oci("run ID").text();
    }
}
