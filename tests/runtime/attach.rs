//! Joining what a container reads and writes.

use std::time::{Duration, Instant};

use rcompose::runtime::log::Stream;
use rcompose::runtime::{Attachment, Config, Handle, RuntimeError, Said, Signal, Stdin};

use crate::harness::{Host, block_on, records, start};
use crate::patience::patient;

/// What is heard until the container ends, and its code.
fn heard(attachment: &Attachment) -> (String, Option<i32>) {
    let mut text = Vec::new();
    let mut buffer = Vec::new();
    loop {
        match attachment.receive(&mut buffer).unwrap() {
            Said::Output(_, bytes) => text.extend_from_slice(bytes),
            Said::Missed(count) => panic!("{count} bytes were missed"),
            Said::Exited(code) => return (String::from_utf8(text).unwrap(), Some(code)),
            Said::Gone => return (String::from_utf8(text).unwrap(), None),
        }
    }
}

/// Waits until `text` has been heard.
#[track_caller]
fn hears(attachment: &Attachment, text: &str) {
    let mut heard = String::new();
    let mut buffer = Vec::new();
    while !heard.contains(text) {
        match attachment.receive(&mut buffer).unwrap() {
            Said::Output(_, bytes) => heard.push_str(str::from_utf8(bytes).unwrap()),
            other => panic!("{other:?} after {heard:?}"),
        }
    }
}

fn config(host: &Host, script: &str, stdin: Stdin) -> Config {
    let mut config = host.config(&["sh", "-c", script]);
    config.stdin = stdin;
    config
}

async fn kill(handle: Handle) {
    handle.signal(Signal::KILL).unwrap();
    handle.exited().await.unwrap();
}

#[test]
fn input_stays_open_when_a_client_leaves() {
    let host = Host::new();
    block_on(async {
        let config = config(&host, "exec cat", Stdin::Open);
        let (handle, _) = start(&config).await.unwrap();
        for line in ["one\n", "two\n"] {
            let attachment = Attachment::open(&config.directory).unwrap();
            attachment.will_send().unwrap();
            attachment.send_input(line.as_bytes()).unwrap();
            hears(&attachment, line);
            attachment.end_input().unwrap();
        }
        let attachment = Attachment::open(&config.directory).unwrap();
        kill(handle).await;
        assert_eq!(heard(&attachment), (String::new(), Some(137)));
        let lines: Vec<_> = records(&config.log).into_iter().map(|record| record.line).collect();
        assert_eq!(lines, ["one\n", "two\n"]);
    });
}

#[test]
fn input_that_is_open_once_ends_with_its_client() {
    let host = Host::new();
    block_on(async {
        for leaves in [false, true] {
            let config = config(&host, "cat; echo end >&2; exit 3", Stdin::Once);
            let (handle, _) = start(&config).await.unwrap();
            let onlooker = Attachment::open(&config.directory).unwrap();
            drop(Attachment::open(&config.directory).unwrap());
            let attachment = Attachment::open(&config.directory).unwrap();
            attachment.will_send().unwrap();
            attachment.send_input(b"text\n").unwrap();
            if leaves {
                drop(attachment);
            } else {
                attachment.end_input().unwrap();
                assert_eq!(heard(&attachment), ("text\nend\n".to_owned(), Some(3)));
            }
            assert_eq!(heard(&onlooker), ("text\nend\n".to_owned(), Some(3)), "every client hears all");
            assert_eq!(handle.exited().await.unwrap().code, 3);
        }
    });
}

#[test]
fn without_input_there_is_none() {
    let host = Host::new();
    block_on(async {
        let config = config(&host, "cat; readlink /proc/self/fd/0; exec sleep 100", Stdin::Null);
        let (handle, _) = start(&config).await.unwrap();
        let attachment = Attachment::open(&config.directory).unwrap();
        // Sent to nobody: it holds nothing up.
        attachment.send_input(&vec![b'x'; 1 << 20]).unwrap();
        let deadline = Instant::now() + patient(Duration::from_secs(20));
        while records(&config.log).is_empty() {
            assert!(Instant::now() < deadline);
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(records(&config.log)[0].line, "/dev/null\n");
        kill(handle).await;
        assert_eq!(heard(&attachment).1, Some(137));
    });
}

#[test]
fn megabytes_of_input_arrive_whole() {
    const SIZE: usize = 8 << 20;
    let host = Host::new();
    block_on(async {
        let config = config(&host, "sleep 0.3; sha256sum", Stdin::Once);
        let (handle, _) = start(&config).await.unwrap();
        let attachment = Attachment::open(&config.directory).unwrap();
        let bytes: Vec<u8> = (0..SIZE).map(|index| ((index * index) >> 7).to_le_bytes()[0]).collect();
        attachment.will_send().unwrap();
        attachment.send_input(&bytes).unwrap();
        attachment.end_input().unwrap();
        let (text, code) = heard(&attachment);
        let expected = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&bytes));
        assert_eq!((text.split(' ').next(), code), (Some(expected.as_str()), Some(0)));
        handle.exited().await.unwrap();
    });
}

#[test]
fn a_client_that_does_not_listen_holds_up_nobody() {
    const LINES: usize = 50_000;
    let host = Host::new();
    block_on(async {
        let script = format!("read go; seq 1 {LINES}; read go");
        let config = config(&host, &script, Stdin::Open);
        let (handle, _) = start(&config).await.unwrap();
        let slow = Attachment::open(&config.directory).unwrap();
        let typist = Attachment::open(&config.directory).unwrap();
        typist.send_input(b"\n").unwrap();
        let last = format!("{LINES}\n");
        let deadline = Instant::now() + patient(Duration::from_secs(30));
        while records(&config.log).last().is_none_or(|record| record.line != last) {
            assert!(Instant::now() < deadline);
            std::thread::sleep(Duration::from_millis(20));
        }
        let written: usize = records(&config.log).iter().map(|record| record.line.len()).sum();
        // Now it listens: what there was room for, then how much there was not.
        let mut buffer = Vec::new();
        let mut heard = 0;
        let missed = loop {
            match slow.receive(&mut buffer).unwrap() {
                Said::Output(Stream::Stdout, bytes) => heard += bytes.len(),
                Said::Missed(count) => break count,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(heard + usize::try_from(missed).unwrap(), written);
        typist.send_input(b"\n").unwrap();
        assert_eq!(slow.receive(&mut buffer).unwrap(), Said::Exited(0));
        handle.exited().await.unwrap();
    });
}

#[test]
fn a_terminal_is_typed_into_and_resized() {
    let host = Host::new();
    block_on(async {
        let script = "trap 'stty size' WINCH; echo ready; while :; do read -t 0.05 line && echo \"<$line>\"; done";
        let mut config = host.config(&["bash", "-c", script]);
        config.stdin = Stdin::Open;
        config.spec.process_mut().as_mut().unwrap().set_terminal(Some(true));
        let (handle, _) = start(&config).await.unwrap();
        let attachment = Attachment::open(&config.directory).unwrap();
        attachment.send_input(b"typed\r").unwrap();
        hears(&attachment, "<typed>\r\n");
        attachment.resize(33, 77).unwrap();
        hears(&attachment, "33 77\r\n");
        let other = Attachment::open(&config.directory).unwrap();
        other.send_input(b"\x03").unwrap();
        kill(handle).await;
    });
}

#[test]
fn what_does_not_run_cannot_be_joined() {
    let host = Host::new();
    block_on(async {
        let config = config(&host, "true", Stdin::Null);
        assert!(matches!(Attachment::open(&config.directory), Err(RuntimeError::NotRunning)));
        let (handle, _) = start(&config).await.unwrap();
        handle.exited().await.unwrap();
        assert!(matches!(Attachment::open(&config.directory), Err(RuntimeError::NotRunning)));
    });
}

#[test]
fn only_its_owner_may_join() {
    use std::os::unix::fs::PermissionsExt as _;
    let host = Host::new();
    block_on(async {
        let config = config(&host, "exec sleep 100", Stdin::Null);
        let (handle, _) = start(&config).await.unwrap();
        let mode = fs_err::metadata(config.directory.join("attach")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        kill(handle).await;
    });
}

#[test]
fn many_come_and_go() {
    let host = Host::new();
    block_on(async {
        let config = config(&host, "exec cat", Stdin::Open);
        let (handle, _) = start(&config).await.unwrap();
        let shim = crate::harness::shim_pid(&config);
        let descriptors = || fs_err::read_dir(format!("/proc/{shim}/fd")).unwrap().count();
        let attachment = Attachment::open(&config.directory).unwrap();
        attachment.send_input(b"x\n").unwrap();
        hears(&attachment, "x\n");
        let before = descriptors();
        for _ in 0..200 {
            drop(Attachment::open(&config.directory).unwrap());
        }
        attachment.send_input(b"y\n").unwrap();
        hears(&attachment, "y\n");
        let deadline = Instant::now() + patient(Duration::from_secs(5));
        while descriptors() > before {
            assert!(Instant::now() < deadline, "{} > {before}", descriptors());
            std::thread::sleep(Duration::from_millis(10));
        }
        kill(handle).await;
    });
}
