//! What a shim survives, and what it costs.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::mount::{MsFlags, mount};
use nix::sys::signal::kill;
use nix::unistd::Pid;
use oci_spec::runtime::LinuxNamespaceType;
use rcompose::runtime::{Attachment, Config, ExitStatus, Handle, Signal, Stdin};

use crate::harness::{Host, block_on, failure, records, share, shim_pid, start};
use crate::patience::patient;

/// A file system of its own for what a test fills up: `size` as tmpfs(5) takes it.
fn small_disk(host: &Host, name: &str, size: &str) -> PathBuf {
    let path = host.directory.path().join(name);
    fs_err::create_dir(&path).unwrap();
    let options = format!("size={size}");
    mount(Some("small"), &path, Some("tmpfs"), MsFlags::empty(), Some(options.as_str())).unwrap();
    path
}

/// Writes until nothing more fits.
fn fill(disk: &Path) {
    let error = fs_err::write(disk.join("filler"), vec![0; 64 << 20]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
}

async fn is_asked_to_go_on(config: &Config) {
    Attachment::open(&config.directory).unwrap().send_input(b"\n").unwrap();
}

fn interactive(host: &Host, script: &str) -> Config {
    let mut config = host.config(&["sh", "-c", script]);
    config.stdin = Stdin::Open;
    config
}

fn lines(config: &Config) -> Vec<String> {
    records(&config.log).into_iter().map(|record| record.line).collect()
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + patient(Duration::from_secs(20));
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether a container that says no more until it is asked has been heard to the end: it waits for input, the pipe is
/// empty, and the shim is done with what it read.
fn is_heard(handle: &Handle, config: &Config) -> bool {
    let waits_in = |pid: &dyn std::fmt::Display, what| {
        fs_err::read_to_string(format!("/proc/{pid}/wchan")).is_ok_and(|function| function.contains(what))
    };
    let unread = || {
        let stdout = fs_err::File::open(format!("/proc/{}/fd/1", handle.pid())).unwrap();
        rustix::io::ioctl_fionread(&stdout).unwrap()
    };
    waits_in(&handle.pid(), "pipe") && unread() == 0 && waits_in(&shim_pid(config), "poll")
}

#[test]
fn no_signal_but_kill_ends_it() {
    let host = Host::new();
    block_on(async {
        let config = interactive(&host, "read x; echo after; exit 4");
        let (handle, _) = start(&config).await.unwrap();
        let shim = shim_pid(&config);
        // Those of faults are sent by hand here; SIGKILL and SIGSTOP cannot be kept out.
        for signal in (1..=64).filter(|signal| ![9, 19, 32, 33].contains(signal)) {
            // As kill(1) does it: real-time signals have no name.
            let status = std::process::Command::new("kill").args([format!("-{signal}"), shim.to_string()]).status();
            assert!(status.unwrap().success());
        }
        is_asked_to_go_on(&config).await;
        assert_eq!(handle.exited().await.unwrap().code, 4);
        assert_eq!(lines(&config), ["after\n"]);
    });
}

#[test]
fn a_log_directory_that_is_removed_ends_nothing() {
    let host = Host::new();
    block_on(async {
        let mut config = interactive(&host, "echo before; read x; seq 1 5000; exit 5");
        let logs = host.directory.path().join("logs");
        fs_err::create_dir(&logs).unwrap();
        config.log = logs.join("log");
        config.log_options.limits.max_size = 10_000;
        let (handle, _) = start(&config).await.unwrap();
        fs_err::remove_dir_all(&logs).unwrap();
        is_asked_to_go_on(&config).await;
        assert_eq!(handle.exited().await.unwrap().code, 5);
    });
}

#[test]
fn how_a_container_ended_is_recorded_on_a_full_disk() {
    let host = Host::new();
    block_on(async {
        let mut config = interactive(&host, "read x; exit 6");
        config.directory = small_disk(&host, "run-full", "1m");
        let (handle, _) = start(&config).await.unwrap();
        fill(&config.directory);
        is_asked_to_go_on(&config).await;
        assert_eq!(handle.exited().await.unwrap().code, 6);
        assert_eq!(ExitStatus::read(&config.directory).unwrap().unwrap().code, 6);
    });
}

#[test]
fn nothing_runs_where_its_end_could_not_be_recorded() {
    let host = Host::new();
    let mut config = host.config(&["touch", "/ran"]);
    let upper = config.directory.join("upper");
    config.directory = small_disk(&host, "run-full", "16k");
    let config_size = serde_json::to_vec(&config).unwrap().len();
    assert!(config_size < 12 << 10, "the configuration fits: {config_size}");
    fs_err::write(config.directory.join("filler"), vec![0; (16 << 10) - (config_size.next_multiple_of(4096))]).unwrap();
    let (code, error) = failure(&config);
    assert_eq!(code, 125);
    assert!(error.contains("No space left on device"), "{error}");
    assert!(!upper.join("ran").exists());
}

#[test]
fn a_full_disk_costs_lines_and_says_how_many() {
    let host = Host::new();
    block_on(async {
        let mut config = interactive(&host, "seq 1 500; read x; : >/asked; seq 501 5000; read x; echo after; exit 7");
        let asked = config.directory.join("upper/asked");
        let disk = small_disk(&host, "log-full", "16k");
        config.log = disk.join("log");
        let (handle, _) = start(&config).await.unwrap();
        until("the first lines are kept", || is_heard(&handle, &config));
        is_asked_to_go_on(&config).await;
        until("the rest has been read", || asked.exists() && is_heard(&handle, &config));
        mount(None::<&str>, &disk, None::<&str>, MsFlags::MS_REMOUNT, Some("size=10m")).unwrap();
        is_asked_to_go_on(&config).await;
        assert_eq!(handle.exited().await.unwrap().code, 7);
        let lines = lines(&config);
        let kept =
            lines.iter().filter(|line| line.strip_suffix('\n').is_some_and(|line| line.parse::<u32>().is_ok())).count();
        let end = " lines of this log were lost: No space left on device (os error 28)\n";
        let told =
            lines.iter().filter_map(|line| line.strip_prefix("rcompose: ")?.strip_suffix(end)?.parse::<usize>().ok());
        assert_eq!(told.sum::<usize>(), 5000 - kept, "{lines:?}");
        assert!((500..5000).contains(&kept));
        assert_eq!(lines.last().unwrap(), "after\n");
    });
}

/// What is written while the disk is full tears lines: of one the end is lost, of another the beginning.
#[test]
fn parts_of_lines_that_a_full_disk_loses_are_not_joined() {
    let host = Host::new();
    block_on(async {
        let mut config = interactive(
            &host,
            "printf begun; read x; : >/asked; printf %030000d; read x; printf 'rest\nwhole\n' >&2; printf 'rest\nafter\n'; exit 7",
        );
        let asked = config.directory.join("upper/asked");
        let disk = small_disk(&host, "log-torn", "4k");
        config.log = disk.join("log");
        let (handle, _) = start(&config).await.unwrap();
        let written = |least: u64| fs_err::metadata(&config.log).is_ok_and(|log| log.len() >= least);
        until("the line is begun", || written(1));
        is_asked_to_go_on(&config).await;
        until("the rest has been read", || asked.exists() && is_heard(&handle, &config));
        mount(None::<&str>, &disk, None::<&str>, MsFlags::MS_REMOUNT, Some("size=10m")).unwrap();
        is_asked_to_go_on(&config).await;
        assert_eq!(handle.exited().await.unwrap().code, 7);
        let mut lines = lines(&config);
        let told = lines.iter().position(|line| line.starts_with("rcompose: 1 lines of this log were lost: "));
        lines.remove(told.unwrap());
        lines.sort();
        lines[1].truncate("begun".len());
        assert_eq!(lines, ["after\n", "begun", "rest\n", "whole\n"]);
    });
}

#[test]
fn a_process_that_holds_the_pipes_does_not_hold_up_the_end() {
    let host = Host::new();
    block_on(async {
        let mut config = host.config(&["sh", "-c", "sleep 100 & echo $!; exit 8"]);
        share(&mut config, LinuxNamespaceType::Pid);
        let (handle, _) = start(&config).await.unwrap();
        let begun = Instant::now();
        assert_eq!(handle.exited().await.unwrap().code, 8);
        assert!(begun.elapsed() < patient(Duration::from_secs(10)));
        let left: i32 = lines(&config)[0].trim().parse().unwrap();
        // The container's cgroup knows it, so that deleting the container may have ended it.
        let _ = kill(Pid::from_raw(left), nix::sys::signal::Signal::SIGKILL);
    });
}

#[test]
fn a_flood_without_newlines_takes_no_memory() {
    let host = Host::new();
    block_on(async {
        let mut config =
            interactive(&host, "head -c 10000000 /dev/zero | tr '\\0' x; head -c 1000000 /dev/zero; read x");
        config.log_options.limits.max_size = 1 << 30;
        let (handle, _) = start(&config).await.unwrap();
        let shim = shim_pid(&config);
        let kilobytes = |field: &str| -> u64 {
            let status = fs_err::read_to_string(format!("/proc/{shim}/status")).unwrap();
            let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
            line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().unwrap()
        };
        let mut most = 0;
        let begun = Instant::now();
        while fs_err::metadata(&config.log).map_or(0, |log| log.len()) < 11_000_000 {
            most = most.max(kilobytes("RssAnon"));
            assert!(begun.elapsed() < patient(Duration::from_secs(50)));
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(most < 4096, "{most} kB");
        is_asked_to_go_on(&config).await;
        assert_eq!(handle.exited().await.unwrap().code, 0);
        let size: usize = lines(&config).iter().map(String::len).sum();
        assert_eq!(size, 11_000_000);
    });
}

#[test]
fn a_container_that_closes_its_streams_costs_nothing() {
    let host = Host::new();
    block_on(async {
        let config = host.config(&["sh", "-c", "exec sleep 0.7 <&- >&- 2>&-"]);
        let (handle, _) = start(&config).await.unwrap();
        let shim = shim_pid(&config);
        std::thread::sleep(Duration::from_millis(500));
        let stat = fs_err::read_to_string(format!("/proc/{shim}/stat")).unwrap();
        let fields: Vec<_> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        assert!(
            Duration::from_millis(10 * ticks) < patient(Duration::from_millis(200)),
            "{ticks} hundredths of a second of work"
        );
        assert_eq!(handle.exited().await.unwrap().code, 0);
    });
}

#[test]
fn a_storm_of_orphans_is_reaped_by_init() {
    let host = Host::new();
    let script = "for i in $(seq 300); do sh -c 'sleep 0.01 & sleep 0.02 &' ; done; sleep 0.5; \
                  grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null | wc -l";
    let outcome = host.sh_with(script, |config| config.init = true);
    assert_eq!(outcome.text(), "0");
}

#[test]
fn a_fork_bomb_ends_with_its_container() {
    let host = Host::new();
    block_on(async {
        let mut config = host.config(&["sh", "-c", "f() { f & f & sleep 1; }; f; echo never; sleep 100"]);
        let resources = serde_json::json!({"pids": {"limit": 100}});
        let linux = config.spec.linux_mut().as_mut().unwrap();
        linux.set_resources(Some(serde_json::from_value(resources).unwrap()));
        let (handle, _) = start(&config).await.unwrap();
        std::thread::sleep(Duration::from_millis(500));
        handle.signal(Signal::KILL).unwrap();
        let begun = Instant::now();
        // A shell that cannot fork gives up, so that it may have ended before.
        assert_ne!(handle.exited().await.unwrap().code, 0);
        assert!(begun.elapsed() < patient(Duration::from_secs(10)));
    });
}

#[test]
fn what_its_parent_has_ended_cannot_write_to_the_log_for_ever() {
    let host = Host::new();
    block_on(async {
        let mut config = host.config(&["sh", "-c", "sh -c 'echo $$ >&2; exec yes' & sleep 0.2; exit 9"]);
        share(&mut config, LinuxNamespaceType::Pid);
        let (handle, _) = start(&config).await.unwrap();
        let exited = tokio::time::timeout(patient(Duration::from_secs(20)), handle.exited()).await;
        assert_eq!(exited.unwrap().unwrap().code, 9);
    });
}

#[test]
fn a_stopped_container_goes_on_with_its_files_and_its_log() {
    let host = Host::new();
    block_on(async {
        let config = interactive(&host, "cat /kept 2>/dev/null; echo $((n + 1)) | tee -a /kept; read x; exit 3");
        for (round, by_kill) in [(1, false), (2, true), (3, false)] {
            let (handle, _) = start(&config).await.unwrap();
            let deadline = Instant::now() + patient(Duration::from_secs(20));
            // One line the first time, and each time one more of the file.
            while lines(&config).len() < round * (round + 1) / 2 {
                assert!(Instant::now() < deadline, "{:?}", lines(&config));
                std::thread::sleep(Duration::from_millis(10));
            }
            if by_kill {
                kill(Pid::from_raw(shim_pid(&config)), nix::sys::signal::Signal::SIGKILL).unwrap();
                assert_eq!(handle.exited().await.unwrap().code, 137);
            } else {
                is_asked_to_go_on(&config).await;
                assert_eq!(handle.exited().await.unwrap().code, 3);
            }
            assert!(Handle::adopt(&config.directory).unwrap().is_none());
        }
    });
}
