//! Further processes in a running container.

use std::io::Read;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rcompose::runtime::{Config, ExecOptions, Handle, Probe, RuntimeError, Signal, Stdio, exec, probe};

use crate::harness::{Host, block_on, start};

async fn running(host: &Host) -> (Config, Handle) {
    let config = host.config(&["sleep", "100"]);
    let (handle, _) = start(&config).await.unwrap();
    (config, handle)
}

/// A shell script with what the container's own process has.
pub(crate) fn sh(config: &Config, script: &str) -> ExecOptions {
    let mut process = config.spec.process().clone().unwrap();
    process.set_args(Some(vec!["sh".to_owned(), "-c".to_owned(), script.to_owned()]));
    ExecOptions { process, user: None, detach: false }
}

async fn stop(handle: Handle) {
    handle.signal(Signal::KILL).unwrap();
    handle.exited().await.unwrap();
}

pub(crate) const LONG: Duration = Duration::from_secs(30);

#[test]
fn inside_with_the_containers_rights() {
    let host = Host::new();
    block_on(async {
        let (config, handle) = running(&host).await;
        let script = "hostname; cat /proc/1/comm; grep -E 'Cap(Eff|Inh)|Seccomp:' /proc/self/status | cut -f2; ls /proc/self/fd | wc -l; exit 9";
        let Probe { code, output } = probe(&config.directory, &sh(&config, script), LONG, 4096).await.unwrap();
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
        let mut options = sh(&config, "id -u; grep devices /proc/self/cgroup | cut -d: -f3; echo $HOME");
        options.user = Some("daemon".to_owned());
        let probe = probe(&config.directory, &options, LONG, 4096).await.unwrap();
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
            match probe(&config.directory, &options, LONG, 0).await {
                Err(RuntimeError::Container { code, error }) => assert_eq!(code, expected, "{error}"),
                other => panic!("{program}: {other:?}"),
            }
        }
        let directory = config.directory.clone();
        stop(handle).await;
        let error = probe(&directory, &sh(&config, "true"), LONG, 0).await.unwrap_err();
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
        let probe = probe(&config.directory, &options, Duration::from_millis(200), 3).await.unwrap();
        assert_eq!(probe, Probe { code: None, output: b"beg".to_vec() });
        assert!(begun.elapsed() < Duration::from_secs(10));
        let script =
            "for i in $(seq 1000); do pgrep -f 'sleep 77' | grep -vw $$ >/dev/null || exit 0; sleep 0.01; done; exit 1";
        let mut options = sh(&config, script);
        let arguments = ["sh", "-c", &script.replace("sleep 77", "[s]leep 77")];
        options.process.set_args(Some(arguments.iter().map(|&text| text.to_owned()).collect()));
        assert_eq!(self::probe(&config.directory, &options, LONG, 0).await.unwrap().code, Some(0));
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
