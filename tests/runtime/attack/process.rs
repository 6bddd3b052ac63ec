//! Processes that turn against those around them: their parent, their init, the shim that keeps their log.

use std::time::{Duration, Instant};

use rcompose::runtime::log::{Format, Limits, Reader};
use rcompose::runtime::{Attachment, Config, ExecOptions, Handle, Signal, Stdio, exec};

use crate::harness::{Host, block_on, start};
use crate::patience::patient;

/// Runs a command in a container; returns its code.
async fn run_in(config: &Config, arguments: &[&str]) -> i32 {
    let mut process = serde_json::to_value(config.spec.process()).unwrap();
    process["args"] = serde_json::json!(arguments);
    let options = ExecOptions { process: serde_json::from_value(process).unwrap(), ..ExecOptions::default() };
    let null = fs_err::File::open("/dev/null").unwrap();
    let null = std::os::fd::AsFd::as_fd(null.file());
    let stdio = Stdio { stdin: null, stdout: null, stderr: null };
    exec(&config.directory, &options, stdio).await.unwrap().wait().await.unwrap()
}

/// Waits until the last line of a container's log is one of these.
fn wait_for_line(config: &Config, wanted: &[&str]) {
    let begun = Instant::now();
    while !Reader::tail(&config.log, 1).unwrap().any(|record| wanted.contains(&record.unwrap().line.trim_end())) {
        assert!(begun.elapsed() < patient(Duration::from_secs(60)), "{wanted:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Stops a container that obeys SIGTERM by ending with 0, and asserts that nothing of it is left.
async fn stops(handle: &Handle) {
    let pid = handle.pid();
    handle.signal(Signal::TERM).unwrap();
    let exit = tokio::time::timeout(patient(Duration::from_secs(60)), handle.exited()).await;
    assert_eq!(exit.unwrap().unwrap().code, 0);
    assert!(!fs_err::exists(format!("/proc/{pid}")).unwrap(), "its init is reaped");
}

fn limit_processes(config: &mut Config, limit: u32) {
    let resources = serde_json::json!({"pids": {"limit": limit}});
    let linux = config.spec.linux_mut().as_mut().unwrap();
    linux.set_resources(Some(serde_json::from_value(resources).unwrap()));
}

/// The first process reaps none of its children: as many as its limit has are left, and no more can be made.
#[test]
fn zombies_do_not_keep_a_container_from_being_stopped() {
    const LIMIT: u32 = 10_000;
    let host = Host::new();
    let script = "
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
count = 0
while True:
    try:
        if os.fork() == 0: os._exit(0)
        count += 1
    except OSError:
        break
print('refused after', 'many' if count > 9900 else count, flush=True)
while True: time.sleep(1000)
";
    let mut config = host.config(&["python3", "-c", script]);
    limit_processes(&mut config, LIMIT);
    block_on(async {
        let (handle, _) = start(&config).await.unwrap();
        wait_for_line(&config, &["refused after many"]);
        stops(&handle).await;
    });
}

/// With the right to trace, a container still traces only its own: its init is held by a tracer, and a command in it is
/// looked for by one. Neither keeps commands from being run, nor the container from being stopped.
#[test]
fn tracers_hold_up_nobody_outside() {
    let host = Host::new();
    // Perl's own way to system calls: 101 is ptrace, 61 is wait4.
    let script = r#"
my ($CONT, $SEIZE, $NOHANG_OF_ALL) = (7, 0x4206, 0x40000001);
$| = 1;
$SIG{TERM} = sub { exit 0 };
my $me = $$;
if (fork == 0) {
    my %seized = ($me => 1, $$ => 1);
    my $said;
    while (1) {
        opendir my $processes, '/proc';
        for (grep { /^\d+$/ && !$seized{$_} } readdir $processes) {
            $seized{$_} = 1 if syscall(101, $SEIZE, $_ + 0, 0, 0) == 0;
        }
        $said //= print syscall(101, $SEIZE, $me + 0, 0, 0) == 0 ? "traces\n" : "may not trace\n";
        my $bytes = pack 'i', 0;
        my $pid = syscall(61, -1, $bytes, $NOHANG_OF_ALL, 0);
        my $status = unpack 'i', $bytes;
        if ($pid > 0 && ($status & 0xff) == 0x7f) {
            my $signal = $status >> 8 & 0xff;
            syscall(101, $CONT, $pid + 0, 0, $signal == 5 ? 0 : $signal);
        }
    }
}
sleep 1000 while 1;
"#;
    let config = host.config(&["perl", "-e", script]);
    block_on(async {
        let (handle, _) = start(&config).await.unwrap();
        // What the machine's policy of tracing allows is not ours to say.
        wait_for_line(&config, &["traces", "may not trace"]);
        for code in [0, 3] {
            assert_eq!(run_in(&config, &["sh", "-c", &format!("exit {code}")]).await, code);
        }
        stops(&handle).await;
    });
}

/// The log is rotated all the while, and one who is attached reads nothing: the container goes on, and what is kept is
/// the end of what it said, without a gap.
#[test]
fn a_flood_with_a_reader_that_is_stuck_loses_nothing() {
    const LINES: u32 = 400_000;
    for format in [Format::Chunks, Format::Json] {
        let host = Host::new();
        let mut config = host.config(&["seq", &LINES.to_string()]);
        config.log_options.format = format;
        config.log_options.limits = Limits { max_size: 100_000, max_files: 3 };
        block_on(async {
            let mut config = config.clone();
            // It waits for the reader, which then reads nothing.
            let script = format!("until test -e /go; do sleep 0.01; done; exec seq {LINES}");
            config.spec.process_mut().as_mut().unwrap().set_args(Some(["sh", "-c", &script].map(str::to_owned).into()));
            let (handle, _) = start(&config).await.unwrap();
            let _stuck = Attachment::open(&config.directory).unwrap();
            assert_eq!(run_in(&config, &["touch", "/go"]).await, 0);
            let exit = tokio::time::timeout(patient(Duration::from_secs(60)), handle.exited()).await;
            assert_eq!(exit.unwrap().unwrap().code, 0);
        });
        let kept: Vec<u32> =
            Reader::open(&config.log).unwrap().map(|record| record.unwrap().line.trim_end().parse().unwrap()).collect();
        assert_eq!(kept.last(), Some(&LINES), "{format:?}");
        let first = LINES + 1 - u32::try_from(kept.len()).unwrap();
        assert!(kept.iter().copied().eq(first..=LINES), "{format:?}: a gap after {first}");
        let sizes = ["log", "log.1", "log.2"].map(|name| fs_err::metadata(config.directory.join(name)).unwrap().len());
        assert!(kept.len() > 1000 && sizes.iter().all(|size| *size <= 101_000), "{format:?}: {sizes:?}");
        assert!(!config.directory.join("log.3").exists());
    }
}
