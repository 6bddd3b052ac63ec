//! `run` runs one command in a container of its own: what is the service's, what flags say over it, and what becomes of it.

use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::{Sandbox, Stack, Terminal, eventually};

const PLAIN: &str = "
services:
  web:
    image: 'rootfs:/'
    init: true
    environment: {A: file, B: file}
    user: '12:34'
    working_dir: /srv
    restart: always
    container_name: fixed
    command: [sh, -c, 'echo serving; exec sleep 1000']
";

fn command(sandbox: &Sandbox, stack: &Stack<'_>, arguments: &[&str]) -> Command {
    let mut command = sandbox.command();
    command.args(["-p", "plain", "-f"]).arg(stack.file()).args(arguments);
    command
}

/// The containers of the stack that `run` has made.
#[track_caller]
fn one_offs(stack: &Stack<'_>) -> Vec<Value> {
    let listed = stack.rcompose(&["ps", "-a", "--format", "json"]).succeeds().stdout;
    let all = listed.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    all.filter(|one| one["Labels"].as_str().unwrap().contains("oneoff=True")).collect()
}

#[track_caller]
fn one_off(stack: &Stack<'_>) -> Value {
    let mut all = one_offs(stack);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[test]
fn streams_and_code_are_the_commands_from_the_first_byte_on() {
    let sandbox = Sandbox::new("run");
    let stack = sandbox.stack("plain", PLAIN);
    for _ in 0..5 {
        let ran = stack.rcompose(&["run", "-q", "--rm", "web", "echo", "first"]).succeeds();
        assert_eq!((&*ran.stdout, &*ran.stderr), ("first\n", ""));
    }
    let ran = stack.rcompose(&["run", "web", "sh", "-c", "echo out; echo err >&2; exit 7"]).fails_with(7);
    assert_eq!(ran.stdout, "out\n");
    let ran = ran.says(&["err\n"]);
    assert!(!ran.stdout.contains("Container"), "progress is no output of the command: {ran}");

    let made = one_off(&stack);
    let name = made["Name"].as_str().unwrap();
    let digits = name.strip_prefix("plain-web-run-").unwrap();
    assert!(digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
    assert_eq!((made["State"].as_str(), made["ExitCode"].as_i64()), (Some("exited"), Some(7)));
    let labels = made["Labels"].as_str().unwrap();
    assert!(labels.contains(&format!("slug={digits}")) && !labels.contains("container-number"), "{labels}");
    stack.rcompose(&["logs"]).succeeds().prints(&["out", "err"]);

    stack.rcompose(&["up", "-d"]).succeeds();
    assert_eq!(stack.containers().len(), 2, "it is none of the replicas");
    assert_eq!(stack.rcompose(&["exec", "-T", "web", "printenv", "A"]).succeeds().stdout, "file\n");
    stack.rcompose(&["down"]).succeeds().says(&[name]);
    assert_eq!(stack.containers().len(), 0);
}

#[test]
fn what_is_removed_with_its_end_leaves_nothing() {
    let sandbox = Sandbox::new("run-rm");
    let stack = sandbox.stack("plain", &PLAIN.replace("init: true", "init: true\n    volumes: [/var/spool]"));
    let volumes = || fs_err::read_dir(sandbox.path().join("root/volumes")).map_or(0, Iterator::count);
    stack.rcompose(&["run", "--rm", "web", "false"]).fails_with(1);
    assert_eq!((one_offs(&stack).len(), volumes()), (0, 0));
    stack.rcompose(&["run", "--rm", "web", "no-such-program"]).fails_with(127);
    assert_eq!((one_offs(&stack).len(), volumes()), (0, 0));
    let ran = stack.rcompose(&["run", "-d", "--rm", "web", "true"]).succeeds();
    assert_eq!(ran.stdout.trim().len(), 64, "the id: {ran}");
    let gone = || (one_offs(&stack).is_empty() && volumes() == 0).then_some(());
    eventually("the removal of a container in the background", Duration::from_secs(20), gone);
    stack.rcompose(&["run", "web", "true"]).succeeds();
    assert_eq!((one_offs(&stack).len(), volumes()), (1, 1), "without --rm both stay");
    stack.rcompose(&["rm", "-f", "-v"]).succeeds();
    assert_eq!((one_offs(&stack).len(), volumes()), (0, 0));
}

#[test]
fn flags_say_more_than_the_service() {
    let sandbox = Sandbox::new("run-flags");
    let stack = sandbox.stack("plain", PLAIN);
    sandbox.file("more.env", "B=envfile\nC=envfile\n");
    let run = |arguments: &[&str]| {
        let all: Vec<_> = ["run", "--rm", "-q"].iter().chain(arguments).copied().collect();
        stack.rcompose(&all)
    };
    assert_eq!(run(&["web", "sh", "-c", "pwd; id -u; id -g; echo $A$B"]).succeeds().stdout, "/srv\n12\n34\nfilefile\n");
    let script = "pwd; id -u; id -g; echo $A $B $C \"$D\"";
    let flags = ["-w", "/usr", "-u", "7:8", "--env-from-file", "more.env", "-e", "A=flag", "-e", "D=$HOME ${x", "web"];
    let shown = run(&[&flags[..], &["sh", "-c", script]].concat()).succeeds().stdout;
    assert_eq!(shown, "/usr\n7\n8\nflag envfile envfile $HOME ${x\n");
    let mut passed = command(&sandbox, &stack, &["run", "--rm", "-e", "OURS", "web", "printenv", "OURS"]);
    passed.env("OURS", "passed on");
    assert_eq!(sandbox.run(passed).succeeds().stdout, "passed on\n");

    assert_eq!(run(&["--entrypoint", "echo 'a b'", "web"]).succeeds().stdout, "a b\n", "the command goes with it");
    assert_eq!(run(&["--entrypoint", "echo", "web", "c"]).succeeds().stdout, "c\n");

    let effective = "grep CapEff /proc/self/status";
    let own = run(&["-u", "0", "web", "sh", "-c", effective]).succeeds().stdout;
    let more = run(&["-u", "0", "--cap-add", "NET_ADMIN", "--cap-drop", "chown", "web", "sh", "-c", effective]);
    let bits = |text: &str| u64::from_str_radix(text.split_whitespace().last().unwrap(), 16).unwrap();
    assert_eq!(bits(&own) ^ bits(&more.succeeds().stdout), (1 << 12) | 1, "NET_ADMIN came, CHOWN went");

    stack.rcompose(&["run", "--name", "mine", "-l", "a=b", "web", "true"]).succeeds();
    let made = one_off(&stack);
    assert_eq!(made["Name"], "mine");
    assert!(made["Labels"].as_str().unwrap().contains("a=b"), "{made}");
    stack.rcompose(&["run", "--name", "mine", "web", "true"]).fails_with(125).says(&["mine", "in use"]);
    run(&["--cap-add", "NO_SUCH", "web", "true"]).fails().says(&["NO_SUCH"]);
    run(&["wob", "true"]).fails_with(1).says(&["no such service: wob"]);
    run(&["-p", "nonsense", "web", "true"]).fails_with(1).says(&["nonsense"]);
}

#[test]
fn volumes_of_flags_are_mounted() {
    let sandbox = Sandbox::new("run-volumes");
    let declared =
        "volumes: {known: {}}\nservices:\n  web: {image: 'rootfs:/', init: true, command: [sleep, '1000']}\n";
    let stack = sandbox.stack("plain", declared);
    sandbox.file("here/file", "of the host");
    let read =
        stack.rcompose(&["run", "--rm", "-v", "./here:/mnt:ro", "web", "sh", "-c", "cat /mnt/file; touch /mnt/x"]);
    assert_eq!(read.fails_with(1).stdout, "of the host");
    for (source, name) in [("known", "plain_known"), ("other", "other")] {
        let volume = format!("{source}:/mnt");
        stack.rcompose(&["run", "--rm", "-v", &volume, "web", "sh", "-c", "echo kept >/mnt/file"]).succeeds();
        let shown = stack.rcompose(&["run", "--rm", "-v", &volume, "web", "cat", "/mnt/file"]).succeeds().stdout;
        assert_eq!(shown, "kept\n");
        let listed = stack.rcompose(&["volumes", "-q"]).succeeds().stdout;
        assert!(listed.lines().any(|line| line == name), "{name} in {listed}");
    }
}

#[test]
fn what_it_depends_on_is_ready_first() {
    let compose = "
services:
  app:
    image: 'rootfs:/'
    init: true
    command: [sleep, '1000']
    depends_on: {db: {condition: service_healthy}, migrate: {condition: service_completed_successfully}}
  db:
    image: 'rootfs:/'
    init: true
    command: [sh, -c, 'echo >/dev/shm/ready; exec sleep 1000']
    healthcheck: {test: [CMD, test, -e, /dev/shm/ready], interval: 1s}
  migrate: {image: 'rootfs:/', command: ['true']}
  broken: {image: 'rootfs:/', command: ['false']}
  needy: {image: 'rootfs:/', command: ['true'], depends_on: {broken: {condition: service_completed_successfully}}}
  other: {image: 'rootfs:/', command: [sleep, '1000']}
";
    let sandbox = Sandbox::new("run-deps");
    let stack = sandbox.stack("plain", compose);
    stack.rcompose(&["run", "--rm", "--no-deps", "app", "true"]).succeeds();
    assert_eq!(stack.containers().len(), 0);
    stack.rcompose(&["run", "--rm", "app", "true"]).succeeds();
    assert_eq!((&*stack.container("db").health, &*stack.container("migrate").state), ("healthy", "exited"));
    let services: Vec<_> = stack.containers().into_iter().map(|container| container.service).collect();
    assert_eq!(services, ["db", "migrate"], "neither the service itself nor what it does not need");
    let ran = stack.rcompose(&["run", "--rm", "needy", "echo", "ran"]).fails_with(1).says(&["broken"]);
    assert_eq!(ran.stdout, "");
}

#[test]
fn ports_and_names_are_the_replicas() {
    let compose = "
services:
  web:
    image: 'rootfs:/'
    init: true
    command: [sleep, '1000']
    ports: ['127.0.0.1:8099:80']
    networks: {default: {aliases: [other], ipv4_address: 10.77.7.9}}
networks: {default: {ipam: {config: [{subnet: 10.77.7.0/24}]}}}
";
    let sandbox = Sandbox::new("run-ports");
    let stack = sandbox.stack("plain", compose);
    let published = || one_off(&stack)["Publishers"].to_string();
    let run = |flags: &[&str]| {
        stack.rcompose(&[&["run", "-d"][..], flags, &["web", "sleep", "1000"]].concat()).succeeds();
    };
    run(&["-P"]);
    assert!(published().contains("8099"), "{}", published());
    stack.rcompose(&["kill"]).succeeds();
    stack.rcompose(&["rm", "-f"]).succeeds();
    stack.rcompose(&["up", "-d"]).succeeds();
    run(&["-p", "127.0.0.1:8098:80"]);
    assert!(published().contains("8098") && !published().contains("8099"), "{}", published());
    let name = one_off(&stack)["Name"].as_str().unwrap().to_owned();
    let addresses = |name: &str| {
        let script = format!("getent ahostsv4 {name} | cut -d' ' -f1 | sort -u | wc -l");
        stack.rcompose(&["exec", "-T", "web", "sh", "-c", &script]).succeeds().stdout.trim().to_owned()
    };
    assert_eq!([addresses("web"), addresses("other"), addresses(&name)], ["1", "1", "1"]);
    run(&["--use-aliases"]);
    assert_eq!([addresses("web"), addresses("other")], ["2", "2"]);
}

#[test]
fn at_a_terminal_it_has_one() {
    let sandbox = Sandbox::new("run-terminal");
    let stack = sandbox.stack("plain", PLAIN);
    let script = "stty size; echo $TERM; read x; echo \"<$x>\"; exit 5";
    let mut terminal = Terminal::spawn(&command(&sandbox, &stack, &["run", "--rm", "web", "bash", "-c", script]));
    terminal.shows("24 80\r\nxterm\r\n");
    assert!(terminal.is_raw());
    terminal.types("typed\r");
    terminal.shows("<typed>");
    assert_eq!(terminal.wait().code(), Some(5), "{}", terminal.shown());
    assert!(!terminal.is_raw());

    let without = ["run", "--rm", "-T", "web", "sh", "-c", "test -t 0 || test -t 1 || echo none"];
    let mut terminal = Terminal::spawn(&command(&sandbox, &stack, &without));
    terminal.shows("none");
    assert!(terminal.wait().success());

    let mut terminal = Terminal::spawn(&command(&sandbox, &stack, &["run", "web", "sh", "-c", "echo in; sleep 1000"]));
    terminal.shows("in\r\n");
    terminal.types("\x10\x11");
    assert!(terminal.wait().success(), "{}", terminal.shown());
    assert_eq!(one_off(&stack)["State"], "running", "who leaves it leaves it running");
    terminal.shows("read escape sequence");
}

#[test]
fn input_from_a_pipe_ends_where_the_pipe_does() {
    let sandbox = Sandbox::new("run-pipe");
    let stack = sandbox.stack("plain", PLAIN);
    let input = b"one\n\x10\x11two\n\x10";
    let mut cat = command(&sandbox, &stack, &["run", "--rm", "-q", "web", "cat"]);
    let mut child = cat.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), &output.stdout[..]), (Some(0), &input[..]));
    let mut none = command(&sandbox, &stack, &["run", "--rm", "-q", "-i=false", "web", "wc", "-c"]);
    let mut child = none.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let held = child.stdin.take();
    assert_eq!(child.wait_with_output().unwrap().stdout, b"0\n", "nothing is passed on");
    drop(held);
}

#[test]
fn signals_are_passed_on() {
    let sandbox = Sandbox::new("run-signals");
    let stack = sandbox.stack("plain", PLAIN);
    // Bash may pass over a SIGINT that comes while a program runs in the foreground and ends by itself.
    let script =
        "trap 'echo int' INT; trap 'echo term; exit 9' TERM; while :; do echo tick; sleep 0.05 & wait $!; done";
    let run = stack.spawn(&["run", "--rm", "web", "bash", "-c", script]);
    run.prints("tick");
    run.signal(Signal::SIGINT);
    run.prints("int");
    run.signal(Signal::SIGTERM);
    run.wait(Duration::from_secs(20)).fails_with(9).prints(&["term"]);
}

#[test]
fn codes_tell_why_nothing_ran() {
    let sandbox = Sandbox::new("run-codes");
    let stack = sandbox.stack("plain", PLAIN);
    stack.rcompose(&["run", "web", "no-such-program"]).fails_with(127).says(&["no-such-program"]);
    stack.rcompose(&["run", "web", "/etc/passwd"]).fails_with(126);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = format!("{}:80", listener.local_addr().unwrap());
    stack.rcompose(&["run", "-p", &port, "web", "true"]).fails_with(125).says(&["in use"]);
}

#[test]
fn what_still_runs_stays_until_it_is_asked_for() {
    let sandbox = Sandbox::new("run-stays");
    let stack = sandbox.stack("plain", PLAIN);
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.rcompose(&["run", "-d", "web", "sleep", "1000"]).succeeds();
    stack.rcompose(&["run", "web", "true"]).succeeds();
    stack.rcompose(&["up", "-d", "--remove-orphans"]).succeeds();
    let running = one_off(&stack);
    let name = running["Name"].as_str().unwrap();
    assert_eq!(running["State"], "running", "only what has ended goes: {running}");
    stack.rcompose(&["stop"]).succeeds();
    assert_eq!(one_off(&stack)["State"], "running", "`stop` is about replicas");
    stack.rcompose(&["down"]).succeeds().says(&[name, "--remove-orphans"]);
    assert_eq!(stack.containers().len(), 1);
    stack.rcompose(&["down", "--remove-orphans", "-t", "1"]).succeeds();
    assert_eq!(stack.containers().len(), 0);

    stack.rcompose(&["run", "-d", "web", "sleep", "1000"]).succeeds();
    let wait = stack.spawn(&["wait", "web"]);
    wait.opens("pidfd");
    stack.rcompose(&["kill"]).succeeds();
    wait.wait(Duration::from_secs(20)).fails_with(137);
    assert_eq!(one_off(&stack)["ExitCode"], 137);
}

#[test]
fn it_ends_no_up_beside_it() {
    let sandbox = Sandbox::new("run-up");
    let stack = sandbox.stack("plain", PLAIN);
    let up = stack.spawn(&["up", "--abort-on-container-exit"]);
    up.prints("serving");
    stack.rcompose(&["run", "--rm", "web", "sh", "-c", "echo aside; exit 3"]).fails_with(3).prints(&["aside"]);
    assert_eq!(stack.container("web").state, "running");
    up.signal(Signal::SIGINT);
    let ended = up.wait(Duration::from_secs(30));
    assert!(!ended.stdout.contains("aside"), "{ended}");
}

#[test]
fn a_client_that_is_killed_leaves_the_command_running() {
    let sandbox = Sandbox::new("run-killed");
    let stack = sandbox.stack("plain", PLAIN);
    let gate = sandbox.path().join("gate");
    let script = "echo in; while ! test -e /gate/open; do sleep 0.05; done; echo out";
    fs_err::create_dir(&gate).unwrap();
    let volume = format!("{}:/gate", gate.display());
    let run = stack.spawn(&["run", "--rm", "-u", "0", "-v", &volume, "web", "sh", "-c", script]);
    run.prints("in");
    run.signal(Signal::SIGKILL);
    run.wait(Duration::from_secs(20)).fails_by_signal(9);
    assert_eq!(one_off(&stack)["State"], "running");
    fs_err::write(gate.join("open"), "").unwrap();
    let gone = || one_offs(&stack).is_empty().then_some(());
    eventually("its removal by the supervisor", Duration::from_secs(20), gone);
}

#[test]
fn it_says_that_what_it_needs_runs_and_nothing_of_the_rest() {
    let sandbox = Sandbox::new("run-says");
    let sleeping = "image: 'rootfs:/', init: true, command: [sleep, '1000']";
    let file =
        format!("services: {{web: {{{sleeping}, depends_on: [db]}}, db: {{{sleeping}}}, other: {{{sleeping}}}}}");
    let stack = sandbox.stack("told", &file);
    stack.rcompose(&["up", "-d"]).succeeds();
    let said = stack.rcompose(&["--progress", "plain", "run", "--rm", "-T", "web", "true"]).succeeds().stderr;
    assert!(said.contains("told-db-1  Running"), "{said}");
    assert!(!said.contains("told-other-1") && !said.contains("told-web-1"), "{said}");
    let said = stack.rcompose(&["--progress", "plain", "up", "-d", "db"]).succeeds().stderr;
    assert!(said.contains("told-db-1  Running") && !said.contains("told-other-1"), "{said}");
}
