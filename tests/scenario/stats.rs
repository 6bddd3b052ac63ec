//! What containers use.

use std::time::Duration;

use serde_json::Value;

use crate::support::{Sandbox, Terminal, eventually};

const STACK: &str = "
services:
  busy: {image: 'rootfs:/', init: true, command: [sh, -c, 'while :; do :; done'], mem_limit: 64m}
  idle: {image: 'rootfs:/', init: true, command: [sleep, '1000']}
  once: {image: 'rootfs:/', command: ['true']}
";

/// A percentage, as a number.
fn percent(value: &Value) -> f64 {
    value.as_str().unwrap().trim_end_matches('%').parse().unwrap()
}

#[test]
fn stats_tells_the_busy_from_the_idle() {
    let sandbox = Sandbox::new("stats");
    let stack = sandbox.stack("shop", STACK);
    stack.rcompose(&["up", "-d"]).succeeds();
    eventually("the end of once", Duration::from_secs(10), || {
        (stack.container("once").state == "exited").then_some(())
    });
    let rows = |line: &[&str]| -> Vec<Value> {
        let line = [&["stats", "--no-stream", "--format", "json"], line].concat();
        let text = stack.rcompose(&line).succeeds().stdout;
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let running = rows(&[]);
    let names: Vec<_> = running.iter().map(|row| row["Name"].as_str().unwrap()).collect();
    assert_eq!(names, ["shop-busy-1", "shop-idle-1"]);
    let [busy, idle] = &running[..] else { unreachable!() };
    // On a loaded machine it gets less than a processor, but more than one that sleeps.
    assert!(percent(&busy["CPUPerc"]) > percent(&idle["CPUPerc"]) + 1.0, "{running:?}");
    assert!(busy["MemUsage"].as_str().unwrap().ends_with(" / 64MiB"), "{busy}");
    assert!(idle["PIDs"].as_str().unwrap().parse::<u32>().unwrap() >= 2, "init and sleep: {idle}");
    assert_eq!(idle["ID"].as_str().unwrap().len(), 12);
    assert_eq!(rows(&["--no-trunc", "idle"])[0]["ID"].as_str().unwrap().len(), 64);
    let all = rows(&["-a"]);
    assert_eq!((&all[2]["Name"], &all[2]["MemUsage"]), (&"shop-once-1".into(), &"0B / 0B".into()));
    let head = stack.rcompose(&["stats", "--no-stream", "once"]).succeeds().stdout;
    let columns: Vec<_> = head.split("   ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
    let expected = ["CONTAINER ID", "NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %", "NET I/O", "BLOCK I/O", "PIDS"];
    assert_eq!(columns, expected);
    stack.rcompose(&["stats", "bsuy"]).fails_with(1).says(&["no such service: bsuy", "did you mean `busy`?"]);
}

#[test]
fn stats_counts_what_goes_over_networks() {
    let sandbox = Sandbox::new("stats-net");
    let stack = sandbox.stack(
        "shop",
        "
services:
  web: {image: 'rootfs:/', init: true, command: [sleep, '1000']}
  alone: {image: 'rootfs:/', init: true, network_mode: host, command: [sleep, '1000']}
",
    );
    stack.rcompose(&["up", "-d"]).succeeds();
    let received = |service: &str| -> String {
        let line = ["stats", "--no-stream", "--format", "{{.NetIO}}", service];
        stack.rcompose(&line).succeeds().stdout
    };
    assert_eq!(received("alone"), "0B / 0B\n", "the network is the host's");
    let send = "for i in 1 2 3; do head -c 1000 /dev/zero > /dev/udp/$(ip route | awk '/default/ {print $3}')/9; done";
    stack.rcompose(&["exec", "-T", "web", "bash", "-c", send]).succeeds();
    let web = received("web");
    let sent = web.trim().rsplit(" / ").next().unwrap().trim_end_matches("kB").parse::<f64>();
    assert!(sent.is_ok_and(|sent| sent > 3.0), "three packets of 1042 bytes: {web}");
}

#[test]
fn stats_on_a_terminal_stay_in_place() {
    let sandbox = Sandbox::new("stats-tty");
    let stack = sandbox.stack("shop", STACK);
    stack.rcompose(&["up", "-d", "idle"]).succeeds();
    let mut command = sandbox.command();
    command.args(["-p", "shop", "stats"]).env("TERM", "xterm");
    let mut terminal = Terminal::spawn(&command);
    terminal.shows("shop-idle-1");
    eventually("a second frame", Duration::from_secs(20), || {
        (terminal.shown().matches("\x1b[HCONTAINER ID").count() >= 2).then_some(())
    });
    assert_eq!(terminal.shown().matches("\x1b[2J").count(), 1, "cleared once: {:?}", terminal.shown());
    terminal.signal(nix::sys::signal::Signal::SIGINT);
    assert_eq!(terminal.wait().code(), Some(130));
}
