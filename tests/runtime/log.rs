//! Where a container's output goes beside its files.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::time::Duration;

use rcompose::runtime::log::{Driver, Syslog, SyslogAddress, SyslogFormat};
use rcompose::runtime::{Attachment, Config, Stdin};

use crate::harness::{Host, block_on, failure, records, run, start};
use crate::patience::patient;

fn syslog(address: SyslogAddress) -> Driver {
    Driver::Syslog(Syslog {
        address,
        facility: 16,
        format: SyslogFormat::Rfc5424,
        tag: "web".to_owned(),
        hostname: "box".to_owned(),
    })
}

fn config(host: &Host, script: &str, driver: Driver) -> Config {
    let mut config = host.config(&["sh", "-c", script]);
    config.log_options.driver = driver;
    config
}

/// The network namespace of a test begins without a way to itself.
fn loopback() {
    assert!(std::process::Command::new("ip").args(["link", "set", "lo", "up"]).status().unwrap().success());
}

/// What is said of `text`, but for the time and the process.
fn is_message(message: &str, priority: u8, text: &str) -> bool {
    message.starts_with(&format!("<{priority}>1 2"))
        && message.contains("Z box web ")
        && message.ends_with(&format!(" web - {text}"))
}

const BOTH: &str = "echo out; sleep 0.1; echo err >&2";

#[test]
fn syslog_by_datagrams() {
    let host = Host::new();
    loopback();
    let path = host.directory.path().join("syslog");
    let local = UnixDatagram::bind(&path).unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    for over_udp in [false, true] {
        let address = if over_udp {
            SyslogAddress::Udp(udp.local_addr().unwrap())
        } else {
            SyslogAddress::Unixgram(path.clone())
        };
        let config = config(&host, BOTH, syslog(address));
        assert_eq!(run(&config).exit.code, 0);
        let mut buffer = [0; 1000];
        for (priority, text) in [(134, "out"), (131, "err")] {
            let count = if over_udp { udp.recv(&mut buffer) } else { local.recv(&mut buffer) }.unwrap();
            let message = str::from_utf8(&buffer[..count]).unwrap();
            assert!(is_message(message, priority, text), "{message}");
        }
        assert_eq!(records(&config.log).len(), 2, "a copy is kept");
    }
}

#[test]
fn syslog_by_streams() {
    let host = Host::new();
    loopback();
    let path = host.directory.path().join("syslog");
    let unix = UnixListener::bind(&path).unwrap();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = SyslogAddress::Tcp(tcp.local_addr().unwrap());
    for (address, over_tcp) in [(SyslogAddress::Unix(path), false), (address, true)] {
        let config = config(&host, BOTH, syslog(address));
        assert_eq!(run(&config).exit.code, 0);
        let lines: Vec<_> = if over_tcp {
            BufReader::new(tcp.accept().unwrap().0).lines().map(Result::unwrap).collect()
        } else {
            BufReader::new(unix.accept().unwrap().0).lines().map(Result::unwrap).collect()
        };
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(is_message(&lines[0], 134, "out") && is_message(&lines[1], 131, "err"), "{lines:?}");
    }
}

#[test]
fn a_server_that_goes_away_is_found_again_and_holds_up_nobody() {
    let host = Host::new();
    let path = host.directory.path().join("syslog");
    let server = UnixListener::bind(&path).unwrap();
    block_on(async {
        let script = "echo first; while read line; do echo $line; done";
        let mut config = config(&host, script, syslog(SyslogAddress::Unix(path.clone())));
        config.stdin = Stdin::Once;
        let (handle, _) = start(&config).await.unwrap();
        let attachment = Attachment::open(&config.directory).unwrap();
        let mut heard = BufReader::new(server.accept().unwrap().0).lines();
        assert!(heard.next().unwrap().unwrap().ends_with("first"));
        // It takes nothing any more, is gone, and is there again.
        drop((heard, server));
        fs_err::remove_file(&path).unwrap();
        attachment.send_input(b"lost\nlost\n").unwrap();
        let server = UnixListener::bind(&path).unwrap();
        std::thread::sleep(Duration::from_millis(1200));
        attachment.send_input(b"second\n").unwrap();
        let mut heard = BufReader::new(server.accept().unwrap().0).lines();
        assert!(heard.any(|line| line.unwrap().ends_with("second")));
        // Now one that does not read: more than any buffer holds.
        attachment.send_input(&b"much\n".repeat(1_000_000)).unwrap();
        attachment.will_send().unwrap();
        attachment.end_input().unwrap();
        let exit = tokio::time::timeout(patient(Duration::from_secs(50)), handle.exited()).await;
        assert_eq!(exit.unwrap().unwrap().code, 0);
    });
}

#[test]
fn without_a_server_nothing_starts() {
    let host = Host::new();
    // In this test's mount namespace, where hence no journal is.
    nix::mount::mount(Some("run"), "/run", Some("tmpfs"), nix::mount::MsFlags::empty(), None::<&str>).unwrap();
    for (driver, named) in [
        (syslog(SyslogAddress::Unix("/not/there".into())), "syslog at `/not/there`: No such file or directory"),
        (syslog(SyslogAddress::Tcp("127.0.0.1:9".parse().unwrap())), "syslog at 127.0.0.1:9: "),
        (Driver::Journald(BTreeMap::new()), "the journal at `/run/systemd/journal/socket`: "),
    ] {
        let (code, error) = failure(&config(&host, "true", driver));
        assert!(code == 125 && error.contains(named), "{error}");
    }
}

#[test]
fn the_journal() {
    let host = Host::new();
    // In this test's mount namespace.
    nix::mount::mount(Some("run"), "/run", Some("tmpfs"), nix::mount::MsFlags::empty(), None::<&str>).unwrap();
    fs_err::create_dir_all("/run/systemd/journal").unwrap();
    let journal = UnixDatagram::bind("/run/systemd/journal/socket").unwrap();
    let fields = BTreeMap::from([("CONTAINER_NAME".to_owned(), "web-1".to_owned())]);
    let config = config(&host, "echo out; sleep 0.1; printf err >&2", Driver::Journald(fields));
    assert_eq!(run(&config).exit.code, 0);
    let receive = || {
        let mut buffer = [0; 1000];
        let count = journal.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..count].to_vec()).unwrap()
    };
    let entry = receive();
    assert!(entry.starts_with("CONTAINER_NAME=web-1\nPRIORITY=6\n") && entry.ends_with("\nMESSAGE=out\n"), "{entry}");
    let entry = receive();
    assert!(
        entry.contains("PRIORITY=3\n") && entry.ends_with("CONTAINER_PARTIAL_MESSAGE=true\nMESSAGE=err\n"),
        "{entry}"
    );
}

#[test]
fn nothing_is_kept_of_nothing() {
    let host = Host::new();
    let config = config(&host, "seq 1 1000; exit 3", Driver::None);
    assert_eq!(run(&config).exit.code, 3);
    assert!(!config.log.exists());
}
