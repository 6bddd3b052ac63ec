//! Mounts that depend on one another, and on what the root has.

use serde_json::{Value, json};

use super::harness::Lab;

fn add(lab: &mut Lab, mount: Value) {
    lab.config["mounts"].as_array_mut().unwrap().push(mount);
}

#[test]
fn a_read_only_dev_has_what_is_made_in_it() {
    let mut lab = Lab::new("ls /dev/null /dev/pts/ptmx; touch /dev/x 2>/dev/null || echo read-only");
    let dev = lab.config["mounts"].as_array_mut().unwrap().iter_mut().find(|mount| mount["destination"] == "/dev");
    dev.unwrap()["options"].as_array_mut().unwrap().push(json!("ro"));
    assert_eq!(lab.oci("run ID").text(), "/dev/null\n/dev/pts/ptmx\nread-only");
}

#[test]
fn a_read_only_tmpfs_may_hold_mount_points() {
    let mut lab = Lab::new("cat /x/y/file; touch /x/z 2>/dev/null || echo read-only");
    let source = lab.directory.path().join("source");
    fs_err::create_dir(&source).unwrap();
    fs_err::write(source.join("file"), "found\n").unwrap();
    add(&mut lab, json!({"destination": "/x", "type": "tmpfs", "source": "tmpfs", "options": ["ro"]}));
    add(&mut lab, json!({"destination": "/x/y", "source": source, "options": ["bind"]}));
    assert_eq!(lab.oci("run ID").text(), "found\nread-only");
}

#[test]
fn a_mount_point_behind_links_that_lead_to_nothing() {
    let mut lab = Lab::new("cat /etc/resolv.conf /run/deep/stub /etc/dir/a/file");
    fs_err::create_dir(lab.inside("etc")).unwrap();
    std::os::unix::fs::symlink("../run/deep/stub", lab.inside("etc/resolv.conf")).unwrap();
    std::os::unix::fs::symlink("/var/dir", lab.inside("etc/dir")).unwrap();
    let source = lab.directory.path().join("source");
    fs_err::write(&source, "words\n").unwrap();
    add(&mut lab, json!({"destination": "/etc/resolv.conf", "source": source, "options": ["bind"]}));
    add(&mut lab, json!({"destination": "/etc/dir/a/file", "source": source, "options": ["bind"]}));
    assert_eq!(lab.oci("run ID").text(), "words\nwords\nwords");
    assert!(lab.inside("var/dir/a/file").exists() && !std::path::Path::new("/var/dir").exists());
}

#[test]
fn a_source_inside_the_root_shows_what_is_mounted_there() {
    let mut lab = Lab::new("cat /b/file");
    let source = lab.directory.path().join("source");
    fs_err::create_dir(&source).unwrap();
    fs_err::write(source.join("file"), "mounted\n").unwrap();
    add(&mut lab, json!({"destination": "/a", "source": source, "options": ["bind"]}));
    let again = lab.inside("a");
    add(&mut lab, json!({"destination": "/b", "source": again, "options": ["rbind"]}));
    assert_eq!(lab.oci("run ID").text(), "mounted");
}

#[test]
fn hooks_in_the_container_find_its_mounts_in_the_bundle() {
    let mut lab = Lab::new("cat /made");
    let (kernel, made) = (lab.inside("proc/self/comm"), lab.inside("made"));
    let text = format!("cat {} > {}", kernel.display(), made.display());
    lab.config["hooks"]["createContainer"] = json!([{"path": "/bin/sh", "args": ["sh", "-c", text]}]);
    assert_eq!(lab.oci("run ID").text(), "cat");
    // On the host there is only the directory.
    assert_eq!(fs_err::read_dir(lab.inside("proc")).map(Iterator::count).unwrap_or(0), 0);
}
