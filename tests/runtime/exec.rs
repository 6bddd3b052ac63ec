//! Further processes in a running container.

use std::io::Read;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rcompose::runtime::{Config, ExecOptions, Handle, Probe, RuntimeError, Signal, Stdio, exec, probe};

use crate::harness::{Host, block_on, start};
use crate::patience::patient;

async fn running(host: &Host) -> (Config, Handle) {
    let config = host.config(&["sleep", "100"]);
    let (handle, _) = start(&config).await.unwrap();
    (config, handle)
}

/// A shell script with what the container's own process has.
pub(crate) fn sh(config: &Config, script: &str) -> ExecOptions {
    let mut process = config.spec.process().clone().unwrap();
    process.set_args(Some(vec!["sh".to_owned(), "-c".to_owned(), script.to_owned()]));
    ExecOptions { process, user: None, ..ExecOptions::default() }
}

async fn stop(handle: Handle) {
    handle.signal(Signal::KILL).unwrap();
    handle.exited().await.unwrap();
}

pub(crate) fn long() -> Duration {
    patient(Duration::from_secs(30))
}

#[test]
fn inside_with_the_containers_rights() {
    let host = Host::new();
    block_on(async {
        let (config, handle) = running(&host).await;
        let script = "hostname; cat /proc/1/comm; grep -E 'Cap(Eff|Inh)|Seccomp:' /proc/self/status | cut -f2; ls /proc/self/fd | wc -l; exit 9";
        let Probe { code, output } = probe(&config.directory, &sh(&config, script), long(), 4096).await.unwrap();
        let output = String::from_utf8(output).unwrap();
        assert_eq!(
            output.split_whitespace().collect::<Vec<_>>(),
            ["inside", "sleep", "0000000000000000", "00000000a80425fb", "2", "4"]
        );
        assert_eq!(code, Some(9));
        stop(handle).await;
    });
}

#[test]
fn in_the_containers_cgroup_and_as_another_user() {
    let host = Host::new();
    block_on(async {
        let (config, handle) = running(&host).await;
        // With version 2 there is one line, of no controller.
        let mut options = sh(
            &config,
            "id -u; { grep devices /proc/self/cgroup || cat /proc/self/cgroup; } | cut -d: -f3; echo $HOME",
        );
        options.user = Some("daemon".to_owned());
        let probe = probe(&config.directory, &options, long(), 4096).await.unwrap();
        assert_eq!(String::from_utf8(probe.output).unwrap(), "1\n/\n/usr/sbin\n");
        stop(handle).await;
    });
}

#[test]
fn failures_are_told_apart() {
    let host = Host::new();
    block_on(async {
        let (config, handle) = running(&host).await;
        for (program, expected) in [("no-such-program", 127), ("/etc/passwd", 126)] {
            let mut options = sh(&config, "");
            options.process.set_args(Some(vec![program.to_owned()]));
            match probe(&config.directory, &options, long(), 0).await {
                Err(RuntimeError::Container { code, error }) => assert_eq!(code, expected, "{error}"),
                other => panic!("{program}: {other:?}"),
            }
        }
        let directory = config.directory.clone();
        stop(handle).await;
        let error = probe(&directory, &sh(&config, "true"), long(), 0).await.unwrap_err();
        assert!(error.to_string().contains("not running"), "{error}");
    });
}

#[test]
fn a_probe_that_takes_too_long_is_killed_whole() {
    let host = Host::new();
    block_on(async {
        let (config, handle) = running(&host).await;
        let begun = Instant::now();
        let options = sh(&config, "echo begun; sleep 77 & sleep 77");
        let probe = probe(&config.directory, &options, patient(Duration::from_millis(200)), 3).await.unwrap();
        assert_eq!(probe, Probe { code: None, output: b"beg".to_vec() });
        assert!(begun.elapsed() < patient(Duration::from_secs(10)));
        let script =
            "for i in $(seq 1000); do pgrep -f 'sleep 77' | grep -vw $$ >/dev/null || exit 0; sleep 0.01; done; exit 1";
        let mut options = sh(&config, script);
        let arguments = ["sh", "-c", &script.replace("sleep 77", "[s]leep 77")];
        options.process.set_args(Some(arguments.iter().map(|&text| text.to_owned()).collect()));
        assert_eq!(self::probe(&config.directory, &options, long(), 0).await.unwrap().code, Some(0));
        stop(handle).await;
    });
}

#[test]
fn signals_are_passed_on() {
    let host = Host::new();
    block_on(async {
        let (config, handle) = running(&host).await;
        let (read, write) = rustix::pipe::pipe().unwrap();
        let null = fs_err::File::open("/dev/null").unwrap();
        let stdio = Stdio { stdin: null.file().as_fd(), stdout: write.as_fd(), stderr: write.as_fd() };
        let options = sh(&config, "trap 'exit 6' TERM; echo ready; while :; do sleep 0.01; done");
        let child = exec(&config.directory, &options, stdio).await.unwrap();
        rustix::io::read(&read, &mut [0; 10]).unwrap();
        child.signal(Signal::TERM).unwrap();
        assert_eq!(child.wait().await.unwrap(), 6);
        stop(handle).await;
    });
}

#[test]
fn a_terminal_of_the_container() {
    let host = Host::new();
    block_on(async {
        let (config, handle) = running(&host).await;
        let null = fs_err::File::open("/dev/null").unwrap();
        let stdio = Stdio { stdin: null.file().as_fd(), stdout: null.file().as_fd(), stderr: null.file().as_fd() };
        let mut options = sh(&config, "tty; stty size; read line; echo \"<$line>\"");
        options.process.set_terminal(Some(true));
        options.process.set_console_size(serde_json::from_str(r#"{"height": 20, "width": 40}"#).unwrap());
        let mut child = exec(&config.directory, &options, stdio).await.unwrap();
        let master = child.take_terminal().unwrap();
        rustix::io::write(&master, b"typed\n").unwrap();
        let mut output = String::new();
        // A terminal without a process on it ends in EIO.
        let _ = std::fs::File::from(master).read_to_string(&mut output);
        assert!(output.contains("/dev/pts/0\r\n20 40\r\n") && output.ends_with("<typed>\r\n"), "{output:?}");
        assert_eq!(child.wait().await.unwrap(), 0);
        stop(handle).await;
    });
}

/// Runs to its end what gets `input` through a pipe, and returns its code and what it wrote to a pipe.
async fn piped(config: &Config, script: &str, input: Vec<u8>) -> (i32, Vec<u8>) {
    let (stdin, mut feed) = std::io::pipe().unwrap();
    let (mut output, stdout) = std::io::pipe().unwrap();
    let stdio = Stdio { stdin: stdin.as_fd(), stdout: stdout.as_fd(), stderr: stdout.as_fd() };
    let child = exec(&config.directory, &sh(config, script), stdio).await.unwrap();
    drop((stdin, stdout));
    let feeding = std::thread::spawn(move || std::io::Write::write_all(&mut feed, &input));
    let reading = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        output.read_to_end(&mut bytes).unwrap();
        bytes
    });
    let code = child.wait().await.unwrap();
    // The reader of a half-closed stream is told of nothing but the end.
    let _ = feeding.join().unwrap();
    (code, reading.join().unwrap())
}

#[test]
fn megabytes_go_through_whole_and_end() {
    let host = Host::new();
    block_on(async {
        let (config, handle) = running(&host).await;
        let bytes: Vec<u8> = (0..6_000_000_usize).map(|index| ((index * index) >> 5).to_le_bytes()[0]).collect();
        let (code, output) = piped(&config, "cat", bytes.clone()).await;
        assert!(code == 0 && output == bytes, "{code}, {} bytes", output.len());
        let (code, output) = piped(&config, "head -c 3; exec <&-; sleep 0.1; echo more; exit 4", bytes).await;
        assert_eq!((code, output.len()), (4, 8));
        stop(handle).await;
    });
}

#[test]
fn codes_are_those_of_a_shell() {
    let host = Host::new();
    block_on(async {
        let (config, handle) = running(&host).await;
        for (script, expected) in [("exit 255", 255), ("exit 1", 1), ("kill -9 $$", 137), ("kill -TERM $$", 143)] {
            let code = probe(&config.directory, &sh(&config, script), long(), 0).await.unwrap().code;
            assert_eq!(code, Some(expected), "{script}");
        }
        stop(handle).await;
    });
}

#[test]
fn fifty_at_once() {
    let host = Host::new();
    block_on(async {
        let (config, handle) = running(&host).await;
        let scripts: Vec<_> = (0..50).map(|number| sh(&config, &format!("echo {number}; exit {number}"))).collect();
        let probes = scripts.iter().map(|options| Box::pin(probe(&config.directory, options, long(), 100)));
        let mut probes: Vec<_> = probes.collect();
        let mut found = Vec::new();
        std::future::poll_fn(|context| {
            probes.retain_mut(|probe| match probe.as_mut().poll(context) {
                std::task::Poll::Ready(result) => {
                    found.push(result.unwrap());
                    false
                }
                std::task::Poll::Pending => true,
            });
            if probes.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
        found.sort_by_key(|probe| probe.code);
        for (number, probe) in (0..).zip(found) {
            assert_eq!(probe, Probe { code: Some(number), output: format!("{number}\n").into_bytes() });
        }
        stop(handle).await;
    });
}

#[test]
fn it_ends_with_its_container() {
    let host = Host::new();
    block_on(async {
        let (config, handle) = running(&host).await;
        let null = fs_err::File::open("/dev/null").unwrap();
        let stdio = Stdio { stdin: null.file().as_fd(), stdout: null.file().as_fd(), stderr: null.file().as_fd() };
        let child = exec(&config.directory, &sh(&config, "exec sleep 100"), stdio).await.unwrap();
        stop(handle).await;
        assert_eq!(child.wait().await.unwrap(), 137);
    });
}

#[test]
fn one_that_is_left_goes_on_and_its_output_fills_nothing() {
    let host = Host::new();
    block_on(async {
        let (config, handle) = running(&host).await;
        let null = fs_err::File::open("/dev/null").unwrap();
        let stdio = Stdio { stdin: null.file().as_fd(), stdout: null.file().as_fd(), stderr: null.file().as_fd() };
        let mut options = sh(&config, "sleep 0.2; head -c 1000000 /dev/zero | tr '\\0' x; tty > /done; exec sleep 100");
        options.process.set_terminal(Some(true));
        let mut child = exec(&config.directory, &options, stdio).await.unwrap();
        let master = child.take_terminal().unwrap();
        child.detach().unwrap();
        drop((child, master));
        let check = sh(&config, "for i in $(seq 500); do test -s /done && exit 0; sleep 0.02; done; exit 1");
        assert_eq!(probe(&config.directory, &check, long(), 0).await.unwrap().code, Some(0));
        stop(handle).await;
    });
}

#[test]
fn a_privileged_one_may_do_what_the_container_may_not() {
    let host = Host::new();
    block_on(async {
        let (config, handle) = running(&host).await;
        let script = "grep -E 'CapEff|Seccomp:' /proc/self/status | cut -f2";
        let mut options = sh(&config, script);
        options.privileged = true;
        let all: Vec<_> = ["CAP_SYS_ADMIN", "CAP_NET_ADMIN"].into();
        let sets = serde_json::json!({"bounding": all, "effective": all, "permitted": all});
        options.process.set_capabilities(Some(serde_json::from_value(sets).unwrap()));
        let output = probe(&config.directory, &options, long(), 4096).await.unwrap().output;
        assert_eq!(String::from_utf8(output).unwrap(), "0000000000201000\n0\n");
        stop(handle).await;
    });
}
