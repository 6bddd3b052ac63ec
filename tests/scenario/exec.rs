//! `exec` runs a command beside the service, in everything that is the service's.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use crate::support::Sandbox;

const PLAIN: &str = "
services:
  web: {image: 'rootfs:/', init: true, hostname: webhost, working_dir: /srv, user: '12:34', command: [sleep, '1000']}
";

#[test]
fn it_shares_the_containers_world() {
    let sandbox = Sandbox::new("exec");
    let stack = sandbox.stack("plain", PLAIN);
    stack.rcompose(&["up", "-d"]).succeeds();
    let outcome = stack.rcompose(&["exec", "-T", "web", "sh", "-c", "hostname; pwd; id -u; id -g; ps ax | wc -l"]);
    let outcome = outcome.succeeds();
    let lines: Vec<_> = outcome.stdout.lines().collect();
    assert_eq!(lines[..4], ["webhost", "/srv", "12", "34"]);
    let processes: u32 = lines[4].trim().parse().unwrap();
    assert!(processes < 10, "only the container's processes are seen: {processes}");
}

#[test]
fn its_code_and_its_streams_are_the_commands() {
    let sandbox = Sandbox::new("exec-code");
    let stack = sandbox.stack("plain", PLAIN);
    stack.rcompose(&["up", "-d"]).succeeds();
    let outcome = stack.rcompose(&["exec", "-T", "web", "sh", "-c", "echo out; echo err >&2; exit 42"]).fails_with(42);
    assert_eq!((&*outcome.stdout, &*outcome.stderr), ("out\n", "err\n"));
}

#[test]
fn a_service_that_does_not_run_is_named() {
    let sandbox = Sandbox::new("exec-none");
    let stack = sandbox.stack("plain", PLAIN);
    stack.rcompose(&["exec", "-T", "web", "true"]).fails_with(1).says(&["web", "not running"]);
}

#[test]
fn a_user_that_does_not_exist_is_named() {
    let sandbox = Sandbox::new("exec-user");
    let stack = sandbox.stack("plain", PLAIN);
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.rcompose(&["exec", "-T", "-u", "nobody-at-all", "web", "true"]).fails().says(&["nobody-at-all"]);
}

#[test]
fn variables_are_added_to_the_containers() {
    let sandbox = Sandbox::new("exec-env");
    let stack = sandbox.stack("plain", &PLAIN.replace("init: true", "init: true, environment: {A: one, B: two}"));
    stack.rcompose(&["up", "-d"]).succeeds();
    let shown = stack.rcompose(&["exec", "-T", "-e", "B=three", "-e", "C=four", "web", "printenv", "A", "B", "C"]);
    assert_eq!(shown.succeeds().stdout, "one\nthree\nfour\n");
}

#[test]
fn a_directory_that_is_not_there_is_not_made() {
    let sandbox = Sandbox::new("exec-workdir");
    let stack = sandbox.stack("placed", "services: {web: {image: 'rootfs:/', init: true, command: [sleep, '1000']}}");
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.rcompose(&["exec", "-T", "-w", "/not/there", "web", "true"]).fails().says(&["/not/there"]);
    stack.rcompose(&["exec", "-T", "web", "test", "-e", "/not"]).fails_with(1);
}

/// The program is large: copying it into memory would take longer than all the rest.
#[test]
fn it_shares_the_program_of_the_shim() {
    let sandbox = Sandbox::new("exec-program");
    let stack = sandbox.stack("plain", PLAIN);
    stack.rcompose(&["up", "-d"]).succeeds();
    let command = stack.spawn(&["exec", "-T", "web", "sh", "-c", "echo begun; exec sleep 1000"]);
    command.prints("begun");
    // The container sees neither; both are seen from here by what they have as their root.
    let programs: Vec<_> = ["__shim", "__exec"].iter().map(|role| program_of(&sandbox, role)).collect();
    assert_eq!(programs[0], programs[1]);
    command.signal(nix::sys::signal::Signal::SIGTERM);
    command.wait(Duration::from_secs(20));
}

/// Device and inode of what the one process of the sandbox in `role` was executed from.
fn program_of(sandbox: &Sandbox, role: &str) -> (u64, u64) {
    let id =
        fs_err::read_dir(sandbox.path().join("run/plain/containers")).unwrap().next().unwrap().unwrap().file_name();
    let id = id.to_str().unwrap();
    let is_it = |directory: &Path| {
        let read = |name: &str| fs_err::read(directory.join(name)).unwrap_or_default();
        let command = String::from_utf8_lossy(&read("cmdline")).into_owned();
        let mounts = String::from_utf8_lossy(&read("mountinfo")).into_owned();
        // A shim has the id in its arguments, an exec is where the container's root is mounted.
        command.contains(&format!("rcompose\0{role}")) && (command.contains(&id[..12]) || mounts.contains(id))
    };
    let mut processes = fs_err::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    let process = processes.find(|directory| is_it(directory)).unwrap_or_else(|| panic!("no process in role {role}"));
    let program = fs_err::metadata(process.join("exe")).unwrap();
    (program.dev(), program.ino())
}
