//! Mount namespaces of others.

use std::process::{Child, Command};

use serde_json::json;

use super::harness::Lab;

/// A process in a mount namespace of its own; ends when dropped.
struct Holder(Child);

impl Holder {
    fn new(lab: &Lab) -> Self {
        let ready = lab.directory.path().join("ready");
        let script = format!("touch {}; exec sleep 1000", ready.display());
        let child = Command::new("unshare").args(["--mount", "sh", "-c", &script]).spawn().unwrap();
        let holder = Self(child);
        while !ready.exists() {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        holder
    }

    fn namespace(&self) -> String {
        format!("/proc/{}/ns/mnt", self.0.id())
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// A container in the mount namespace at a path, or in none of its own.
fn mounts_in(lab: &mut Lab, path: Option<&str>) {
    let namespaces = lab.config["linux"]["namespaces"].as_array_mut().unwrap();
    namespaces.retain(|namespace| namespace["type"] != "mount");
    namespaces.extend(path.map(|path| json!({"type": "mount", "path": path})));
}

#[test]
fn a_mount_namespace_is_joined() {
    let mut lab = Lab::new("readlink /proc/self/ns/mnt; ls -d /tmp/mark; ls -d /proc/1 /etc");
    fs_err::write(lab.inside("tmp/mark"), "").unwrap();
    let holder = Holder::new(&lab);
    let expected = fs_err::read_link(holder.namespace()).unwrap();
    mounts_in(&mut lab, Some(&holder.namespace()));
    let outcome = lab.oci("run ID");
    // The root is the container's, which has no `/etc`.
    assert_eq!(outcome.stdout, format!("{}\n/tmp/mark\n/proc/1\n", expected.display()), "{outcome:?}");
    // Nothing of it shows where the runtime is.
    let mounts = fs_err::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(lab.directory.path().to_str().unwrap()), "{mounts}");
}

#[test]
fn an_exec_is_in_the_joined_one() {
    let mut lab = Lab::new("echo up > /tmp/up; exec sleep 1000");
    let holder = Holder::new(&lab);
    mounts_in(&mut lab, Some(&holder.namespace()));
    lab.oci("run --detach ID").text();
    lab.await_file("tmp/up");
    let expected = fs_err::read_link(holder.namespace()).unwrap();
    let outcome = lab.run(lab.command("exec ID sh -c").arg("readlink /proc/self/ns/mnt; cat /tmp/up"));
    assert_eq!(outcome.text(), format!("{}\nup", expected.display()));
    lab.oci("delete --force ID").text();
}

#[test]
fn a_create_that_fails_leaves_no_mount_in_it() {
    let mut lab = Lab::new("true");
    let holder = Holder::new(&lab);
    mounts_in(&mut lab, Some(&holder.namespace()));
    let missing = json!({"destination": "/x", "source": "/no/such/source", "options": ["bind"]});
    lab.config["mounts"].as_array_mut().unwrap().push(missing);
    lab.oci("create ID").error();
    let mounts = fs_err::read_to_string(format!("/proc/{}/mountinfo", holder.0.id())).unwrap();
    assert!(!mounts.contains(lab.directory.path().to_str().unwrap()), "{mounts}");
}

#[test]
fn what_would_change_the_hosts_mounts_is_refused() {
    let mut lab = Lab::new("true");
    mounts_in(&mut lab, None);
    let error = lab.oci("create ID").error();
    assert!(error.contains("`linux.namespaces` is not supported without one of type `mount`"), "{error}");
    mounts_in(&mut lab, Some("/proc/self/ns/mnt"));
    let error = lab.oci("create ID").error();
    assert!(error.contains("cannot join the mnt namespace: it is the runtime's own"), "{error}");
    let other = format!("/proc/{}/ns/net", std::process::id());
    mounts_in(&mut lab, Some(&other));
    let error = lab.oci("create ID").error();
    assert!(error.contains("cannot join the mnt namespace: invalid argument"), "{error}");
}
