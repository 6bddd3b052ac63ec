//! What runs, and with what around it.

use crate::inspect::{Running, up};
use crate::support::Sandbox;

/// `command`, `entrypoint`: the arguments of PID 1, those of `entrypoint` first; `/proc/PID/cmdline`.
#[test]
fn command_and_entrypoint() {
    let web = Running::with("init: false\nentrypoint: [sleep]\ncommand: ['1000', '1001']");
    assert_eq!(web.inside("tr '\\0' ' ' < /proc/1/cmdline"), "sleep 1000 1001");
    assert_eq!(web.proc("cmdline"), "sleep\x001000\x001001\0");
    assert_eq!(web.status("Name"), "sleep");
}

/// `working_dir`: where a command begins, a directory that is made when there is none; the link `/proc/PID/cwd`.
#[test]
fn working_dir() {
    let web = Running::with("working_dir: /srv/made/here");
    assert_eq!(web.inside("pwd"), "/srv/made/here");
    let cwd = fs_err::read_link(format!("/proc/{}/cwd", web.pid())).unwrap();
    assert!(cwd.ends_with("srv/made/here"), "{}", cwd.display());
}

/// `environment`, `env_file`: the variables, those of `environment` over those of files; `/proc/PID/environ`.
#[test]
fn environment() {
    let sandbox = Sandbox::new("environment");
    sandbox.file("attributes/vars", "FROM_FILE=file\nBOTH=file\n");
    let web = Running::of(
        sandbox,
        "
services:
  web:
    image: rootfs:/
    command: [sleep, '1000']
    env_file: vars
    environment: {BOTH: own, EMPTY: '', SPACED: 'a  b'}
",
    );
    assert_eq!(web.inside("echo \"$FROM_FILE/$BOTH/$EMPTY/$SPACED\""), "file/own//a  b");
    let environ = web.proc("environ");
    let variables: Vec<&str> = environ.split('\0').collect();
    for variable in ["FROM_FILE=file", "BOTH=own", "EMPTY=", "SPACED=a  b", "HOME=/root"] {
        assert!(variables.contains(&variable), "{variables:?}");
    }
}

/// `ulimits`: `ulimit -S` and `-H`; `/proc/PID/limits`.
#[test]
fn ulimits() {
    let web = Running::with("ulimits: {nofile: {soft: 500, hard: 600}, core: 0, stack: {soft: 4194304, hard: -1}}");
    assert_eq!(web.inside("ulimit -Sn; ulimit -Hn; ulimit -Hc; ulimit -Ss"), "500\n600\n0\n4096");
    let limits = web.proc("limits");
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(line.split_whitespace().collect::<Vec<_>>()[3..5], ["500", "600"]);
}

/// Every limit there is, by its name in Compose files, each at what this process has already.
#[test]
fn every_limit_by_name() {
    let names = [
        "as",
        "core",
        "cpu",
        "data",
        "fsize",
        "locks",
        "memlock",
        "msgqueue",
        "nice",
        "nofile",
        "nproc",
        "rss",
        "rtprio",
        "rttime",
        "sigpending",
        "stack",
    ];
    let own = fs_err::read_to_string("/proc/self/limits").unwrap();
    // The order of the kernel's enumeration, which `/proc/PID/limits` follows.
    let order = [
        "cpu",
        "fsize",
        "data",
        "stack",
        "core",
        "rss",
        "nproc",
        "nofile",
        "memlock",
        "as",
        "locks",
        "sigpending",
        "msgqueue",
        "nice",
        "rtprio",
        "rttime",
    ];
    let hard = |name: &str| -> i64 {
        let line = own.lines().nth(1 + order.iter().position(|it| *it == name).unwrap()).unwrap();
        line[47..].split_whitespace().next().unwrap().parse().unwrap_or(-1)
    };
    let keys: Vec<String> = names.iter().map(|name| format!("{name}: {}", hard(name))).collect();
    let web = Running::with(&format!("ulimits: {{{}}}", keys.join(", ")));
    let limits = web.proc("limits");
    for (index, name) in order.iter().enumerate() {
        let line = limits.lines().nth(1 + index).unwrap();
        let soft = line[26..].split_whitespace().next().unwrap().parse().unwrap_or(-1);
        assert_eq!(soft, hard(name), "{name}: {line}");
    }
}

#[test]
fn a_limit_above_what_is_permitted_is_lowered_with_a_warning() {
    up("ulimits: {nofile: 2000000000}").succeeds().says(&["RLIMIT_NOFILE is limited to "]);
}

#[test]
fn a_limit_that_is_none_has_a_place() {
    up("ulimits: {files: 5}").fails().says(&["compose.yaml:6:15", "ulimits.files", "nofile"]);
    up("ulimits: {nofile: {soft: 10, hard: 5}}").fails().says(&["compose.yaml:6:", "soft"]);
}

/// `labels`: nothing; the record of the container, and `ps --filter label`.
#[test]
fn labels() {
    let web = Running::with("labels: {org.example.tier: front}");
    let labels = web.record()["labels"].clone();
    assert_eq!(labels["org.example.tier"], "front");
    assert_eq!(labels["com.docker.compose.service"], "web");
}

/// `annotations`: nothing; the annotations of the runtime-spec, in `config.json`.
#[test]
fn annotations() {
    let web = Running::with("annotations: {org.example.note: kept}\nlabels: {org.example.tier: front}");
    let annotations = web.config()["spec"]["annotations"].clone();
    assert_eq!(annotations["org.example.note"], "kept");
    assert_eq!(annotations["com.docker.compose.project"], "attributes");
    assert!(annotations.get("org.example.tier").is_none(), "some runtimes take orders from annotations: {annotations}");
}
