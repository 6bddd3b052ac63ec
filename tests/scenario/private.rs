//! What rcompose keeps is nobody else's to look at: setuid programs of images, volumes, passwords in environments.

use std::os::unix::fs::{FileTypeExt, PermissionsExt};

use crate::support::Sandbox;

/// CVE-2021-41103, CVE-2024-25621: nobody else can walk into the directories of containers, or talk to a supervisor.
#[test]
fn directories_are_their_owners() {
    let sandbox = Sandbox::new("private");
    let compose = "services: {web: {image: 'rootfs:/', init: true, command: [sleep, '1000'], volumes: ['data:/data']}}\nvolumes: {data: }\n";
    let stack = sandbox.stack("plain", compose);
    stack.rcompose(&["up", "-d"]).succeeds();
    let mode = |name: &str| fs_err::metadata(sandbox.path().join(name)).unwrap().permissions().mode() & 0o7777;
    assert_eq!(format!("{:o}", mode("root")), "700");
    assert_eq!(format!("{:o}", mode("run")), "700");
    assert_eq!(format!("{:o}", mode("run/plain")), "700");
    let socket = sandbox.path().join("run/plain/supervisor.sock");
    assert!(fs_err::metadata(&socket).unwrap().file_type().is_socket());
    assert_eq!(mode("run/plain/supervisor.sock") & 0o022, 0);
    // What a container sees of its own does not depend on that, nor on the umask of whoever started it.
    let modes = stack.rcompose(&["exec", "-T", "web", "stat", "-c", "%a", "/", "/data", "/etc/hosts"]).succeeds();
    assert_eq!(modes.stdout, "755\n755\n644\n");
}

#[test]
fn the_umask_of_the_user_is_not_the_containers() {
    let sandbox = Sandbox::new("umask");
    let compose = "services: {web: {image: 'rootfs:/', command: [sh, -c, 'umask; stat -c %a / /data; touch /new; stat -c %a /new'], volumes: ['data:/data']}}\nvolumes: {data: }\n";
    let stack = sandbox.stack("plain", compose);
    let before = rustix::process::umask(0o077.into());
    stack.rcompose(&["up", "-d"]).succeeds();
    rustix::process::umask(before);
    stack.logs_show("web", "0022\n755\n755\n644\n");
}
