//! What a container reads and writes, and how it is asked to end.

use std::time::{Duration, Instant};

use crate::inspect::Running;
use crate::support::{Sandbox, eventually, patient};

/// `tty`: `/dev/console` is a terminal, `TERM` is set; the descriptor is of a devpts.
#[test]
fn tty() {
    let web = Running::with("tty: true\ncommand: [sh, -c, 'tty; echo $$TERM; exec sleep 1000']\ninit: false");
    let said =
        eventually("what it says", Duration::from_secs(20), || Some(web.log()).filter(|log| log.contains("xterm")));
    assert_eq!(said, "/dev/pts/0\r\nxterm\r\n");
    assert_eq!(web.inside("test -c /dev/console && tty < /dev/console"), "/dev/console");
    let descriptor = fs_err::read_link(format!("/proc/{}/fd/0", web.pid())).unwrap();
    assert_eq!(descriptor.to_str(), Some("/dev/pts/0"));
}

/// `stdin_open`: standard input is a pipe that stays open; the same descriptor.
#[test]
fn stdin_open() {
    for (value, expected) in [("true", "pipe:"), ("false", "/dev/null")] {
        let web = Running::with(&format!("stdin_open: {value}\ninit: false"));
        assert!(web.inside("readlink /proc/1/fd/0").starts_with(expected));
        let descriptor = fs_err::read_link(format!("/proc/{}/fd/0", web.pid())).unwrap();
        assert!(descriptor.to_str().unwrap().starts_with(expected));
    }
}

/// `init`: PID 1 is another process than the program, and reaps; `/proc/PID/comm`.
#[test]
fn init() {
    let web = Running::with("init: true");
    assert_ne!(web.inside("cat /proc/1/comm"), "sleep");
    web.inside("sh -c 'sleep 0.01 & sleep 0.01 &'; sleep 0.3; ! grep -l '^State:.Z' /proc/[0-9]*/status");
    assert_ne!(web.proc("comm").trim(), "sleep");
    let web = Running::with("init: false");
    assert_eq!(web.inside("cat /proc/1/comm"), "sleep");
    assert_eq!(web.proc("comm").trim(), "sleep");
}

/// `stop_signal`: the program gets it; which is what `config.json` does not say, but its exit code does.
#[test]
fn stop_signal() {
    let script = "trap 'exit 31' USR1; trap 'exit 32' TERM; trap 'exit 33' 37; while :; do sleep 0.05; done";
    for (signal, code) in [("SIGUSR1", 31), ("SIGRTMIN+3", 33)] {
        let web = Running::with(&format!("stop_signal: {signal}\ninit: false\ncommand: [sh, -c, \"{script}\"]"));
        assert_eq!(web.inside("tr '\\0' ' ' < /proc/1/cmdline | cut -c -5"), "sh -c");
        assert_eq!(web.stopped(), code, "{signal}");
    }
}

/// `stop_grace_period`: how long a program that does not end has; then it is killed.
#[test]
fn stop_grace_period() {
    let script = "trap '' TERM; while :; do sleep 0.05; done";
    let keys = |grace: &str| format!("stop_grace_period: {grace}\ninit: true\ncommand: [sh, -c, \"{script}\"]");
    let web = Running::with(&keys("1s"));
    assert_eq!(web.inside("grep SigIgn /proc/$(pgrep -o -f trap)/status | cut -f2"), "0000000000004000");
    let begun = Instant::now();
    assert_eq!(web.stopped(), 137);
    let took = begun.elapsed();
    assert!(took >= Duration::from_secs(1) && took < patient(Duration::from_secs(8)), "{took:?}");
}

/// `logging`: nothing of it is seen inside; what is kept, how much of it, and in which form.
#[test]
fn logging() {
    let talk = "init: false\ncommand: [sh, -c, 'echo hello; exec sleep 1000']\nlabels: {team: shop, org.tier: front}\nenvironment: {REGION: north, REGIONAL: 1}";
    let record = |web: &Running| {
        let log = web.log_file();
        eventually("a record", Duration::from_secs(20), || {
            let text = fs_err::read_to_string(&log).ok()?;
            text.lines().next().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        })
    };
    let web = Running::with(&format!(
        "{talk}\nlogging: {{driver: json-file, options: {{labels: team, labels-regex: '^org[.]', env-regex: '^REGION$', tag: '{{{{.Name}}}}'}}}}"
    ));
    let first = record(&web);
    assert_eq!((first["log"].as_str(), first["stream"].as_str()), (Some("hello\n"), Some("stdout")));
    assert_eq!(
        first["attrs"],
        serde_json::json!({"team": "shop", "org.tier": "front", "REGION": "north", "tag": "attributes-web-1"})
    );
    assert_eq!(web.inside("ls -l /proc/1/fd/1 | grep -c pipe"), "1");
    drop(web);

    let web = Running::with(
        "command: [sh, -c, 'seq 1 20000; exec sleep 1000']\nlogging: {options: {max-size: 100k, max-file: 2}}",
    );
    let log = web.log_file();
    let old = log.with_file_name(format!("{}.1", log.file_name().unwrap().to_str().unwrap()));
    eventually("a rotated file", Duration::from_secs(20), || old.exists().then_some(()));
    assert!(fs_err::metadata(&old).unwrap().len() <= 100 << 10);
    drop(web);

    let web = Running::with(&format!("{talk}\nlogging: {{driver: none}}"));
    let outcome = web.rcompose(&["logs"]).succeeds();
    assert!(outcome.stderr.contains("its logging driver is `none`") && outcome.stdout.is_empty(), "{outcome}");
    assert!(!web.log_file().exists());
    drop(web);

    let sandbox = Sandbox::new("attributes");
    let server = sandbox.path().join("syslog");
    let socket = std::os::unix::net::UnixDatagram::bind(&server).unwrap();
    let options = format!(
        "{{syslog-address: 'unixgram://{}', syslog-facility: local0, syslog-format: rfc5424micro, tag: 'shop/{{{{.Name}}}}'}}",
        server.display()
    );
    let web = Running::of(
        sandbox,
        &format!(
            "services:\n  web:\n    image: 'rootfs:/'\n    init: true\n    command: [sh, -c, 'echo hello; exec sleep 1000']\n    logging: {{driver: syslog, options: {options}}}\n"
        ),
    );
    let mut buffer = [0; 1000];
    let count = socket.recv(&mut buffer).unwrap();
    let message = str::from_utf8(&buffer[..count]).unwrap();
    assert!(message.starts_with("<134>1 2") && message.contains(" shop/attributes-web-1 "), "{message}");
    assert!(message.ends_with(" - hello"), "{message}");
    let outcome = web.rcompose(&["logs"]).succeeds();
    assert!(outcome.stdout.ends_with("hello\n"), "a copy is kept: {outcome}");
}
