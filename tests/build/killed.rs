//! A build that is killed leaves nothing that runs or is mounted.

#![expect(clippy::print_stdout, reason = "what is killed tells the test where it is")]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use rcompose::build::run::Cancel;
use rcompose::image::Store;

use crate::harness::{Machine, cgroups, names, wait_for};

/// Set in the process that is killed.
const VICTIM: &str = "RCOMPOSE_TEST_VICTIM";

/// What is killed: runs as a process of its own.
fn victim() -> ! {
    let machine = Machine::new();
    println!("directory {}", machine.directory.path().display());
    let request = machine.request("(sleep 1000) & echo container; sleep 1000");
    let outcome = machine.run_until(&request, &mut machine.workspace(), &Cancel::new().unwrap(), |line| {
        println!("{line} {}", names(&machine.path("run"))[0]);
    });
    panic!("{outcome:?}");
}

#[test]
fn by_sigkill() {
    if std::env::var_os(VICTIM).is_some() {
        victim();
    }
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::by_sigkill", "--nocapture"])
        .env(VICTIM, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut directory, mut container) = (None, None);
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if let Some((_, path)) = line.split_once("directory ") {
            directory = Some(std::path::PathBuf::from(path));
        }
        if let Some(id) = line.strip_prefix("container ") {
            container = Some(id.to_owned());
            break;
        }
    }
    let (directory, container) = (directory.unwrap(), container.unwrap());
    child.kill().unwrap();
    child.wait().unwrap();
    // Whoever was between has cleared up.
    let left = || {
        let mut left = names(&directory.join("run"));
        left.extend(processes_of(&container));
        left.extend(cgroups(&container).iter().map(|cgroup| cgroup.display().to_string()));
        left
    };
    wait_for(|| left().is_empty());
    fs_err::remove_dir_all(&directory).unwrap();
}

/// The processes of the container and the one that stays with it.
fn processes_of(container: &str) -> Vec<String> {
    let mut found = Vec::new();
    for name in names(std::path::Path::new("/proc")).into_iter().filter(|name| name.parse::<i32>().is_ok()) {
        let read = |file: &str| fs_err::read_to_string(format!("/proc/{name}/{file}")).unwrap_or_default();
        if read("cgroup").contains(container) || read("cmdline").contains(&container[..12]) {
            found.push(format!("process {name}"));
        }
    }
    found
}

#[test]
fn what_it_was_making_is_cleared_up() {
    let machine = Machine::new();
    let store = Store::open(&machine.path("images/other")).unwrap();
    let workspace = rcompose::build::layer::Workspace::over(&["/".into()], &store).unwrap();
    workspace.root().mkdir(std::path::Path::new("made"), 0o755).unwrap();
    store.clear_abandoned();
    let staging = machine.path("images/other/staging");
    assert_eq!(names(&staging).len(), 1, "it is in use");
    // As if it had been killed.
    let name = names(&staging).remove(0);
    drop(workspace);
    fs_err::create_dir_all(staging.join(&name).join("upper/made")).unwrap();
    store.clear_abandoned();
    assert_eq!(names(&staging), [""; 0]);
}
