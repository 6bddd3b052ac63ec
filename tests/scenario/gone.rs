//! What goes away while commands are at work: the directory of a project, the reader of an output, a terminal.

use std::fs::File;
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::{Background, Sandbox, Stack, eventually};

const TALKER: &str = "
services:
  web: {image: 'rootfs:/', init: true, stop_grace_period: 1s, command: [sh, -c, 'echo begun; while :; do echo on; sleep 0.05; done']}
";

/// Runs rcompose with these arguments in a directory that is deleted before it begins.
fn in_deleted_directory(sandbox: &Sandbox, arguments: &[&str]) -> crate::support::Outcome {
    let directory = sandbox.path().join("gone");
    fs_err::create_dir(&directory).unwrap();
    let mut command = Command::new("sh");
    sandbox.equip(&mut command);
    command.current_dir(&directory);
    command.args(["-c", "rmdir \"$PWD\"; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_rcompose")]).args(arguments);
    sandbox.run(command)
}

#[test]
fn a_project_is_found_by_its_name_when_its_directory_is_gone() {
    let sandbox = Sandbox::new("gone-directory");
    let stack = sandbox.stack("talking", TALKER);
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.logs_show("web", "begun");
    let directory = stack.file().parent().unwrap().to_owned();
    fs_err::rename(&directory, sandbox.path().join("moved")).unwrap();
    let by_name = |arguments: &[&str]| in_deleted_directory(&sandbox, &[&["-p", "talking"], arguments].concat());
    by_name(&["ps"]).succeeds().prints(&["talking-web-1"]);
    by_name(&["logs", "--tail", "1"]).succeeds().prints(&["web-1  | "]);
    by_name(&["exec", "-T", "web", "echo", "within"]).succeeds().prints(&["within"]);
    by_name(&["restart", "-t", "1"]).succeeds();
    by_name(&["stop", "-t", "1"]).succeeds();
    by_name(&["start"]).succeeds();
    in_deleted_directory(&sandbox, &["ls"]).succeeds().prints(&["talking", "running(1)"]);
    // Nobody knows what the project is to be, nor which one is meant without a name.
    by_name(&["up", "-d"]).fails_with(1).says(&["no compose file in", "gone"]);
    in_deleted_directory(&sandbox, &["ps"]).fails_with(1).says(&["no compose file in", "gone"]);
    // A file that is named is found from everywhere.
    let file = sandbox.path().join("moved/compose.yaml");
    let before = sandbox.rcompose(&["-p", "talking", "ps", "-q"]).succeeds().stdout;
    by_name(&["-f", file.to_str().unwrap(), "up", "-d"]).succeeds();
    assert_eq!(sandbox.rcompose(&["-p", "talking", "ps", "-q"]).succeeds().stdout, before, "the same container");
    by_name(&["down"]).succeeds();
    assert_eq!(sandbox.left(), [""; 0]);
    fs_err::rename(sandbox.path().join("moved"), directory).unwrap();
}

/// Runs a command whose output is read up to its first byte and no further; returns its exit code and its errors.
fn read_a_little(sandbox: &Sandbox, stack: &Stack<'_>, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = sandbox.command();
    command.args(["-p", "talking", "-f"]).arg(stack.file()).args(["--progress", "quiet"]).args(arguments);
    let errors = sandbox.path().join("errors");
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&errors).unwrap()).spawn().unwrap();
    let mut output = child.stdout.take().unwrap();
    output.read_exact(&mut [0]).unwrap();
    drop(output);
    let status =
        eventually(&format!("the end of {arguments:?}"), Duration::from_secs(30), || child.try_wait().unwrap());
    (status.code(), fs_err::read_to_string(errors).unwrap())
}

#[test]
fn a_reader_that_leaves_early_ends_a_command_quietly() {
    let sandbox = Sandbox::new("gone-reader");
    let stack = sandbox.stack("talking", TALKER);
    stack.rcompose(&["up", "-d"]).succeeds();
    for command in ["logs -f", "up", "attach web", "stats", "exec -T web yes", "export web", "cp web:/etc -"] {
        let (code, errors) = read_a_little(&sandbox, &stack, &command.split(' ').collect::<Vec<_>>());
        assert_eq!((code, errors.as_str()), (Some(141), ""), "{command}");
    }
    for command in ["config", "ps", "images", "top", "--help"] {
        let (code, errors) = read_a_little(&sandbox, &stack, &command.split(' ').collect::<Vec<_>>());
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{command}");
    }
    assert_eq!(stack.container("web").state, "running", "it goes on");
}

#[test]
fn events_end_when_nobody_hears_them() {
    let sandbox = Sandbox::new("gone-listener");
    let stack = sandbox.stack("talking", TALKER);
    stack.rcompose(&["up", "-d"]).succeeds();
    let mut command = sandbox.command();
    command.args(["-p", "talking", "events", "--since", "1h"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    child.stdout.take().unwrap().read_exact(&mut [0]).unwrap();
    eventually("the end of events", Duration::from_secs(30), || {
        stack.rcompose(&["kill", "-s", "WINCH", "web"]).succeeds();
        child.try_wait().unwrap()
    });
}

#[test]
fn a_command_of_run_whose_output_nobody_reads_ends() {
    let sandbox = Sandbox::new("gone-pipe");
    let stack = sandbox.stack("talking", TALKER);
    // The first process of a container, which no signal ends that it does not wait for, and one of an init.
    for init in ["false", "true"] {
        stack.rewrite(&format!("services: {{web: {{image: 'rootfs:/', init: {init}, command: [sleep, '1000']}}}}"));
        let (code, errors) = read_a_little(&sandbox, &stack, &["run", "--rm", "-T", "web", "yes"]);
        assert_eq!((code, errors.as_str()), (Some(141), ""), "init: {init}");
        eventually("no container", Duration::from_secs(20), || stack.containers().is_empty().then_some(()));
    }
}

#[test]
fn a_full_disk_for_the_output_is_named() {
    let sandbox = Sandbox::new("full-output");
    let stack = sandbox.stack("talking", TALKER);
    stack.rcompose(&["up", "-d"]).succeeds();
    for command in ["ps", "logs", "logs -f", "config", "run --rm -T web yes"] {
        let script = format!("exec \"$0\" --progress quiet -p talking -f \"$1\" {command} > /dev/full");
        let mut shell = Command::new("sh");
        sandbox.equip(&mut shell);
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_rcompose")]).arg(stack.file());
        sandbox.run(shell).fails_with(1).says(&["No space left on device"]);
    }
    eventually("only the service's own container", Duration::from_secs(20), || {
        (stack.containers().len() == 1).then_some(())
    });
}

#[test]
fn a_terminal_that_is_closed_takes_along_what_was_started_at_it() {
    let sandbox = Sandbox::new("gone-terminal");
    let stack = sandbox.stack("talking", TALKER);
    stack.rcompose(&["up", "-d"]).succeeds();
    for arguments in ["up", "logs -f", "attach --sig-proxy=false web", "exec web sh -c 'trap : HUP; echo on; cat'"] {
        let mut command = Command::new("script");
        sandbox.equip(&mut command);
        let binary = env!("CARGO_BIN_EXE_rcompose");
        let line = format!("exec {binary} -p talking -f {} {arguments}", stack.file().display());
        // It has the other end of the terminal.
        let terminal = {
            command.args(["-qec", &line, "/dev/null"]);
            Background::spawn(command)
        };
        terminal.prints("on");
        terminal.signal(Signal::SIGKILL);
        let of_command = format!("compose.yaml {}", arguments.replace('\'', ""));
        eventually(&format!("the end of {arguments}"), Duration::from_secs(30), || {
            let theirs = sandbox.processes();
            theirs.iter().all(|process| !process.command.trim_end().ends_with(&of_command)).then_some(())
        });
    }
    eventually("the end of what was executed", Duration::from_secs(20), || {
        let theirs = sandbox.processes();
        theirs.iter().all(|process| !process.command.contains("trap : HUP")).then_some(())
    });
    assert_eq!(stack.container("web").state, "running", "it goes on");
}
