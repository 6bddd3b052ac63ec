//! `rcompose host-run`: a program of the machine that reaches what publishes nothing, and of which nothing is left.

use std::net::TcpListener;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::time::Duration;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::signal::Signal as Sent;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{Background, Sandbox, Stack, Terminal, eventually};

const STACK: &str = "
services:
  web: {image: 'rootfs:/', init: true, command: [python3, -u, -m, http.server, --bind, '::', '80'], networks: [front, back]}
networks: {front: {enable_ipv6: true}, back: {internal: true}}
";
const PATIENCE: Duration = Duration::from_secs(20);

/// A stack that runs, and serves.
fn up<'a>(sandbox: &'a Sandbox, name: &str) -> Stack<'a> {
    let stack = sandbox.stack(name, STACK);
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.logs_show("web", "Serving");
    stack
}

/// A script that asks the HTTP server of a host for its status.
fn fetch(host: &str) -> String {
    format!("import urllib.request as r; print(r.urlopen('http://{host}/', timeout=5).status)")
}

/// What a program of the system says on the machine of the test.
fn system(sandbox: &Sandbox, line: &[&str]) -> String {
    let mut command = Command::new(line[0]);
    sandbox.equip(&mut command);
    command.args(&line[1..]);
    sandbox.run(command).succeeds().stdout
}

/// The links of the machine that lead into other namespaces.
fn cables(sandbox: &Sandbox) -> usize {
    system(sandbox, &["ip", "-o", "link", "show", "type", "veth"]).lines().count()
}

/// Waits until nothing but the two cables of `web` and its names is there.
#[track_caller]
fn nothing_is_left(sandbox: &Sandbox, stack: &str) {
    let leases = sandbox.path().join("run").join(stack).join("leases");
    eventually("the end of the lease", PATIENCE, || {
        let is_empty = fs_err::read_dir(&leases).is_ok_and(|mut entries| entries.next().is_none());
        (is_empty && cables(sandbox) == 2).then_some(())
    });
}

/// Starts a program that says `ready` and then sleeps.
fn sleeper(stack: &Stack<'_>, arguments: &[&str]) -> Background {
    let sleep = ["sh", "-c", "echo ready; exec sleep 1000"];
    let line: Vec<&str> = ["host-run"].iter().chain(arguments).chain(&["--"]).chain(&sleep).copied().collect();
    let program = stack.spawn(&line);
    program.prints("ready");
    program
}

/// Whether `web` finds `name`.
fn finds(stack: &Stack<'_>, name: &str) -> bool {
    stack.rcompose(&["exec", "-T", "web", "getent", "hosts", name]).status.success()
}

#[test]
fn a_program_of_the_host_reaches_what_publishes_nothing() {
    let sandbox = Sandbox::new("host-run");
    let stack = up(&sandbox, "reach");
    let mut alone = Command::new("getent");
    sandbox.equip(&mut alone);
    alone.args(["hosts", "web"]);
    sandbox.run(alone).fails();
    let file = sandbox.file("here/own", "of the host");
    let files = file.parent().unwrap().to_str().unwrap();
    for host in ["web", "reach-web-1", "web.reach_front"] {
        stack.rcompose(&["host-run", "--", "python3", "-c", &fetch(host)]).succeeds().prints(&["200\n"]);
    }
    let six = "import socket as s; a = s.getaddrinfo('web', 80, s.AF_INET6)[0][4]; s.create_connection(a[:2], 5); print(a[0])";
    stack.rcompose(&["host-run", "--", "python3", "-c", six]).succeeds().prints(&["fd"]);
    // It has the files, the environment and the user of who runs it, and no second network of its own.
    let script = "cat own; echo \"$A $HOME\"; id -u; ip -o -4 addr show dev eth0 >&2; ip -o link | wc -l";
    let line = ["host-run", "-e", "A=1", "-w", files, "--", "sh", "-c", script];
    let home = sandbox.path().display();
    stack.rcompose(&line).succeeds().prints(&[&format!("of the host1 {home}\n0\n2\n")]);
    // The loopback is its own; the machine is its gateway.
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let connect = |host: &str| {
        let script = format!("import socket; socket.create_connection(('{host}', {port}), 5)");
        stack.rcompose(&["host-run", "--", "python3", "-c", &script])
    };
    connect("host.docker.internal").succeeds();
    connect("127.0.0.1").fails_with(1).says(&["refused"]);
    nothing_is_left(&sandbox, "reach");
    assert!(!system(&sandbox, &["cat", "/etc/hosts", "/etc/resolv.conf"]).contains("127.0.0.11"));
}

#[test]
fn codes_and_signals_are_those_of_the_program() {
    let sandbox = Sandbox::new("host-run-codes");
    let stack = up(&sandbox, "codes");
    let plain = sandbox.file("plain", "");
    let run = |command: &[&str]| stack.rcompose(&[&["host-run", "--"], command].concat());
    run(&["sh", "-c", "exit 7"]).fails_with(7);
    run(&["no-such-program"]).fails_with(127).says(&["cannot run `no-such-program`"]);
    run(&[plain.to_str().unwrap()]).fails_with(126).says(&["Permission denied"]);
    let line = ["host-run", "-w", "/no/such", "--", "true"];
    stack.rcompose(&line).fails_with(1).says(&["cannot enter the directory `/no/such`"]);

    let trap = "trap 'echo got it; exit 3' INT; echo ready; while :; do sleep 0.05; done";
    let program = stack.spawn(&["host-run", "--", "sh", "-c", trap]);
    program.prints("ready");
    program.signal(Sent::SIGINT);
    program.wait(PATIENCE).fails_with(3).prints(&["got it"]);
    nothing_is_left(&sandbox, "codes");
}

#[test]
fn a_name_is_found_until_the_program_is_killed() {
    let sandbox = Sandbox::new("host-run-name");
    let stack = up(&sandbox, "names");
    let program = sleeper(&stack, &["--name", "worker"]);
    assert!(finds(&stack, "worker"));
    assert_eq!(cables(&sandbox), 3);
    program.signal(Sent::SIGKILL);
    drop(program.wait(PATIENCE).fails_by_signal(9));
    nothing_is_left(&sandbox, "names");
    assert!(!finds(&stack, "worker"));

    // What it leaves behind has no cable any more, and its address is free for the next one.
    let address = "ip -o -4 addr show dev eth0 | sed 's/.*inet \\([0-9.]*\\).*/\\1/'";
    let first = stack.rcompose(&["host-run", "--", "sh", "-c", address]).succeeds().stdout;
    nothing_is_left(&sandbox, "names");
    let orphan = "sleep 1000 >/dev/null 2>&1 & echo $!";
    let pid: i32 = stack.rcompose(&["host-run", "--", "sh", "-c", orphan]).succeeds().stdout.trim().parse().unwrap();
    nothing_is_left(&sandbox, "names");
    let second = stack.rcompose(&["host-run", "--", "sh", "-c", address]).succeeds().stdout;
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    assert_eq!(first, second);
}

#[test]
fn an_internal_network_leads_nowhere_else() {
    let sandbox = Sandbox::new("host-run-internal");
    let stack = up(&sandbox, "inside");
    let run = |command: &[&str]| stack.rcompose(&[&["host-run", "--network", "back", "--"], command].concat());
    run(&["python3", "-c", &fetch("web")]).succeeds().prints(&["200\n"]);
    assert_eq!(run(&["ip", "route", "show", "default"]).succeeds().stdout, "");
    run(&["getent", "hosts", "web.inside_front"]).fails();
    run(&["getent", "hosts", "host.docker.internal"]).fails();

    let both = ["host-run", "--network", "inside_back", "--network", "front", "--", "ip", "-o", "link"];
    stack.rcompose(&both).succeeds().prints(&["eth0", "eth1"]);
    let unknown = ["host-run", "--network", "middle", "--", "true"];
    stack.rcompose(&unknown).fails_with(1).says(&["project inside has no network middle: it has back, front"]);
    nothing_is_left(&sandbox, "inside");
}

#[test]
fn a_project_that_is_not_up_is_told_to_be_brought_up() {
    let sandbox = Sandbox::new("host-run-down");
    let stack = sandbox.stack("idle", STACK);
    let refused = || {
        let line = ["host-run", "--", "true"];
        stack.rcompose(&line).fails_with(1).says(&["project idle is not up", "`rcompose up -d`"]);
    };
    refused();
    assert!(!sandbox.path().join("run/idle").exists());
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.rcompose(&["exec", "-T", "web", "sh", "-c", "kill -9 -1"]);
    eventually("the end of web", PATIENCE, || (stack.container("web").state == "exited").then_some(()));
    refused();
}

#[test]
fn the_next_supervisor_serves_the_names_and_sees_the_end() {
    let sandbox = Sandbox::new("host-run-adopt");
    let stack = up(&sandbox, "adopt");
    let go = sandbox.path().join("go");
    let script = format!("echo ready; while ! [ -e {} ]; do sleep 0.05; done; getent hosts web", go.display());
    let program = stack.spawn(&["host-run", "--name", "worker", "--", "sh", "-c", &script]);
    program.prints("ready");
    let before = stack.supervisor().unwrap();
    kill_process(Pid::from_raw(before).unwrap(), Signal::KILL).unwrap();
    stack.rcompose(&["up", "-d"]).succeeds();
    assert_ne!(stack.supervisor(), Some(before));
    assert!(finds(&stack, "worker"));
    // Nobody else gets its address.
    let addresses = |text: &str| text.split_whitespace().next().unwrap().to_owned();
    let own = addresses(&stack.rcompose(&["exec", "-T", "web", "getent", "hosts", "worker"]).succeeds().stdout);
    let script = "ip -o -4 addr show dev eth0";
    let other = stack.rcompose(&["host-run", "--", "sh", "-c", script]).succeeds().stdout;
    assert!(!other.contains(&format!("{own}/")), "{own} {other}");
    fs_err::write(&go, "").unwrap();
    program.wait(PATIENCE).succeeds().prints(&["web"]);
    nothing_is_left(&sandbox, "adopt");
    assert!(!finds(&stack, "worker"));
}

#[test]
fn down_ends_the_programs_and_up_does_not_wait_for_them() {
    let sandbox = Sandbox::new("host-run-end");
    let stack = up(&sandbox, "end");
    let polite = sleeper(&stack, &[]);
    let trap = "trap '' TERM; echo ready; while :; do sleep 0.05; done";
    let stubborn = stack.spawn(&["host-run", "--", "sh", "-c", trap]);
    stubborn.prints("ready");
    stack.rcompose(&["up", "-d", "--force-recreate"]).succeeds();
    stack.rcompose(&["down", "-t", "1"]).succeeds().says(&["stopping `sh`", "killing `sh`"]);
    polite.wait(PATIENCE).fails_by_signal(15);
    stubborn.wait(PATIENCE).fails_by_signal(9);
    assert_eq!(cables(&sandbox), 0);
    assert!(!sandbox.path().join("run/end").exists());
}

#[test]
fn a_program_is_no_hindrance_to_the_removal_of_its_network() {
    let sandbox = Sandbox::new("host-run-network");
    let stack = up(&sandbox, "less");
    let program = sleeper(&stack, &[]);
    let text = STACK.replace("front: {", "front: {driver_opts: {com.docker.network.driver.mtu: 1400}, ");
    stack.rewrite(&text);
    stack.rcompose(&["up", "-d"]).succeeds().says(&["is on network front no more"]);
    assert_eq!(cables(&sandbox), 2);
    let value: Value =
        serde_json::from_str(&stack.rcompose(&["network", "inspect", "less_front"]).succeeds().stdout).unwrap();
    assert_eq!(value[0]["Options"]["com.docker.network.driver.mtu"], "1400");
    program.signal(Sent::SIGTERM);
    program.wait(PATIENCE).fails_by_signal(15);
    nothing_is_left(&sandbox, "less");

    let program = sleeper(&stack, &[]);
    let container = stack.container("web").id;
    sandbox.rcompose(&["network", "disconnect", "less_front", &container[..12]]).succeeds();
    sandbox.rcompose(&["network", "rm", "less_front"]).fails_with(1).says(&["less_front is in use by `sh` (process "]);
    drop(program);
    // Its end need not have been noticed yet.
    eventually("the removal of the network", PATIENCE, || {
        sandbox.rcompose(&["network", "rm", "less_front"]).status.success().then_some(())
    });
}

#[test]
fn whoever_looks_names_up_for_the_host_is_not_asked() {
    let sandbox = Sandbox::new("host-run-nscd");
    // Seen by this test alone.
    mount(Some("tmpfs"), "/run", Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
    fs_err::create_dir("/run/nscd").unwrap();
    let _socket = UnixListener::bind("/run/nscd/socket").unwrap();
    let stack = up(&sandbox, "nscd");
    let line = ["host-run", "--", "sh", "-c", "test -c /run/nscd/socket && getent hosts web"];
    stack.rcompose(&line).succeeds().prints(&["web"]);
    assert!(fs_err::metadata("/run/nscd/socket").unwrap().file_type().is_socket());
    umount2("/run", MntFlags::MNT_DETACH).unwrap();
}

#[test]
fn ctrl_c_at_the_terminal_is_for_the_program() {
    let sandbox = Sandbox::new("host-run-tty");
    let stack = up(&sandbox, "tty");
    let mut command = sandbox.command();
    let script = "trap 'echo got it; exit 3' INT; [ -t 0 ] && [ -t 1 ] && echo ready; while :; do sleep 0.05; done";
    command.args(["-p", "tty", "-f", stack.file().to_str().unwrap(), "host-run", "--", "sh", "-c", script]);
    let mut terminal = Terminal::spawn(&command);
    terminal.shows("ready");
    terminal.types("\u{3}");
    terminal.shows("got it");
    assert_eq!(terminal.wait().code(), Some(3));
    nothing_is_left(&sandbox, "tty");
}

#[test]
fn a_program_need_not_wait_for_an_up_that_waits_for_it() {
    let sandbox = Sandbox::new("host-run-wait");
    let flags = sandbox.path().join("flags");
    fs_err::create_dir(&flags).unwrap();
    let check = "healthcheck: {test: [CMD, test, -e, /flags/go], interval: 1s, start_period: 100s}";
    let compose = format!(
        "services: {{web: {{image: 'rootfs:/', init: true, command: [sleep, '1000'], volumes: ['{}:/flags'], {check}}}}}",
        flags.display()
    );
    let stack = sandbox.stack("wait", &compose);
    let waiting = stack.spawn(&["up", "-d", "--wait"]);
    eventually("the start of web", PATIENCE, || {
        let containers = stack.containers();
        containers.iter().any(|container| container.state == "running").then_some(())
    });
    stack.rcompose(&["host-run", "-w", flags.to_str().unwrap(), "--", "touch", "go"]).succeeds();
    waiting.wait(PATIENCE).succeeds();
}

#[test]
fn networks_of_other_projects_are_among_those_of_the_project() {
    let sandbox = Sandbox::new("host-run-shared");
    let owner = up(&sandbox, "owner");
    let guest = "services: {idle: {image: 'rootfs:/', init: true, command: [sleep, '1000'], networks: [theirs]}}
networks: {theirs: {external: true, name: owner_front}}";
    let guest = sandbox.stack("guest", guest);
    guest.rcompose(&["up", "-d"]).succeeds();
    let script = format!("{}; import time; time.sleep(1000)", fetch("web"));
    let program = guest.spawn(&["host-run", "--", "python3", "-u", "-c", &script]);
    program.prints("200");
    // Its address is nobody else's, whoever gives out the next.
    let show = ["host-run", "--network", "front", "--", "ip", "-o", "-4", "addr", "show", "dev", "eth0"];
    let pid = fs_err::read_dir(sandbox.path().join("run/guest/leases")).unwrap().next().unwrap().unwrap().file_name();
    let mut theirs = Command::new("nsenter");
    sandbox.equip(&mut theirs);
    theirs.args(["-n", "-t", pid.to_str().unwrap()]).args(&show[4..]);
    let theirs = sandbox.run(theirs).succeeds().stdout;
    let own = owner.rcompose(&show).succeeds().stdout;
    let address = |text: &str| text.split_whitespace().nth(3).unwrap().to_owned();
    assert_ne!(address(&theirs), address(&own));
    guest.rcompose(&["down"]).succeeds();
    program.wait(PATIENCE).fails_by_signal(15);
}
