//! The life of a container: exit codes, logs, signals, and what happens when one of its processes is killed.

use std::time::Duration;

use rcompose::runtime::log::{Follower, Reader, Stream};
use rcompose::runtime::{ExitStatus, Handle, Shim, Signal, delete};

use crate::harness::{Host, block_on, failure, records, start};

#[test]
fn exit_codes() {
    let host = Host::new();
    for (script, code, signal) in [("exit 0", 0, None), ("exit 7", 7, None)] {
        let exit = host.sh(script).exit;
        assert_eq!((exit.code, exit.signal), (code, signal), "{script}");
        assert!(exit.started_at <= exit.finished_at);
    }
}

#[test]
fn programs_that_cannot_be_executed() {
    let host = Host::new();
    for (program, code, text) in [
        ("no-such-program", 127, "exec: `no-such-program`: executable file not found in $PATH"),
        ("/no/such/program", 127, "exec: `/no/such/program`: No such file or directory (os error 2)"),
        ("/etc/passwd", 126, "exec: `/etc/passwd`: Permission denied (os error 13)"),
        ("/etc", 126, "exec: `/etc`: Permission denied (os error 13)"),
    ] {
        for init in [false, true] {
            let mut config = host.config(&[program]);
            config.init = init;
            assert_eq!(failure(&config), (code, text.to_owned()), "{program}, init: {init}");
            assert_eq!(ExitStatus::read(&config.directory).unwrap(), None);
        }
    }
}

#[test]
fn a_failed_step_is_named() {
    let host = Host::new();
    let mut config = host.config(&["true"]);
    config.user = Some("nobody-here".to_owned());
    let (code, error) = failure(&config);
    assert_eq!((code, error.as_str()), (125, "cannot find user `nobody-here` in the container's /etc/passwd"));
}

#[test]
fn the_log_has_both_streams_and_all_bytes() {
    let host = Host::new();
    let config = host.config(&["sh", "-c", "echo out; echo err >&2; printf partial; seq 1 20000 >&2"]);
    crate::harness::run(&config);
    let records = records(&config.log);
    let of = |stream| {
        records.iter().filter(|record| record.stream == stream).map(|record| record.line.as_str()).collect::<String>()
    };
    assert_eq!(of(Stream::Stdout), "out\npartial");
    let numbers: String = (1..=20000).map(|number| format!("{number}\n")).collect();
    assert_eq!(of(Stream::Stderr), format!("err\n{numbers}"));
}

#[test]
fn a_log_can_be_followed() {
    let host = Host::new();
    let config = host.config(&["sh", "-c", "echo one; sleep 0.05; echo two"]);
    block_on(async {
        let follower = Follower::open(&config.log).unwrap();
        let (handle, _) = start(&config).await.unwrap();
        let mut reader = Reader::open(&config.log).unwrap();
        let mut lines = Vec::new();
        while lines.len() < 2 {
            match reader.next() {
                Some(record) => lines.push(record.unwrap().line),
                None => follower.wait(Duration::from_secs(10)).unwrap(),
            }
        }
        assert_eq!(lines, ["one\n", "two\n"]);
        handle.exited().await.unwrap();
    });
}

#[test]
fn signals() {
    let host = Host::new();
    let script = "trap 'echo got; exit 3' TERM; echo ready; while :; do sleep 0.01; done";
    let config = host.config(&["sh", "-c", script]);
    block_on(async {
        let follower = Follower::open(&config.log).unwrap();
        let (handle, _) = start(&config).await.unwrap();
        while records(&config.log).is_empty() {
            follower.wait(Duration::from_secs(10)).unwrap();
        }
        assert!(!handle.ignores(Signal::TERM).unwrap());
        handle.signal(Signal::TERM).unwrap();
        let exit = handle.exited().await.unwrap();
        assert_eq!(exit.code, 3);
    });
}

#[test]
fn pid_1_without_a_handler_ignores_signals() {
    let host = Host::new();
    let config = host.config(&["sleep", "100"]);
    block_on(async {
        let (handle, _) = start(&config).await.unwrap();
        assert!(handle.ignores(Signal::TERM).unwrap());
        assert!(!handle.ignores(Signal::KILL).unwrap());
        handle.signal(Signal::KILL).unwrap();
        handle.exited().await.unwrap();
    });
}

#[test]
fn a_killed_container() {
    let host = Host::new();
    let config = host.config(&["sleep", "100"]);
    block_on(async {
        let (handle, _) = start(&config).await.unwrap();
        handle.signal(Signal::KILL).unwrap();
        let exit = handle.exited().await.unwrap();
        assert_eq!((exit.code, exit.signal), (137, Some(9)));
        // Once more is no error.
        delete(&config.directory).unwrap();
        delete(&config.directory).unwrap();
    });
}

#[test]
fn init_reaps_and_passes_signals_on() {
    let host = Host::new();
    // An orphan of a subshell ends up with PID 1, which must not leave it a zombie.
    let script = "(sh -c 'sleep 0.01' &); echo $$; trap 'exit 5' TERM; sleep 0.1; ps -o stat= -e | grep -c Z; kill -TERM 1; sleep 10 & wait";
    let outcome = host.sh_with(script, |config| config.init = true);
    assert_eq!(outcome.exit.code, 5, "{outcome:?}");
    assert_eq!(outcome.stdout, "2\n0\n");
    let outcome = host.sh_with("kill -9 $$", |config| config.init = true);
    assert_eq!(outcome.exit.code, 137, "{outcome:?}");
}

#[test]
fn init_is_never_deaf() {
    let host = Host::new();
    for round in 0..20 {
        let mut config = host.config(&["sleep", "100"]);
        config.init = true;
        block_on(async {
            let (handle, _) = start(&config).await.unwrap();
            assert!(!handle.ignores(Signal::TERM).unwrap(), "round {round}");
            handle.signal(Signal::TERM).unwrap();
            assert_eq!(handle.exited().await.unwrap().code, 143, "round {round}");
        });
    }
}

#[test]
fn init_does_not_look_deaf_while_it_waits() {
    let host = Host::new();
    let mut config = host.config(&["sleep", "100"]);
    config.init = true;
    block_on(async {
        let (handle, _) = start(&config).await.unwrap();
        while !is_asleep(handle.pid()) {
            std::thread::yield_now();
        }
        assert!(!handle.ignores(Signal::TERM).unwrap());
        handle.signal(Signal::TERM).unwrap();
        assert_eq!(handle.exited().await.unwrap().code, 143);
    });
}

/// Whether a process waits for something.
fn is_asleep(pid: i32) -> bool {
    let status = fs_err::read_to_string(format!("/proc/{pid}/status")).unwrap();
    status.lines().any(|line| line.starts_with("State:\tS"))
}

#[test]
fn a_container_outlives_whoever_started_it() {
    let host = Host::new();
    let config = host.config(&["sh", "-c", "read line < /tmp/fifo; exit 4"]);
    fs_err::create_dir(config.directory.join("upper/tmp")).unwrap();
    nix::unistd::mkfifo(&config.directory.join("upper/tmp/fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let (first, _) = block_on(start(&config)).unwrap();
    let pid = first.pid();
    drop(first);
    block_on(async {
        let handle = Handle::adopt(&config.directory).unwrap().expect("its shim lives");
        assert_eq!(handle.pid(), pid);
        fs_err::write(format!("/proc/{pid}/root/tmp/fifo"), "go\n").unwrap();
        assert_eq!(handle.exited().await.unwrap().code, 4);
        assert!(Handle::adopt(&config.directory).unwrap().is_none());
    });
}

#[test]
fn a_container_whose_shim_is_killed_is_killed() {
    let host = Host::new();
    let config = host.config(&["sleep", "100"]);
    block_on(async {
        let (handle, _) = start(&config).await.unwrap();
        let status: serde_json::Value =
            serde_json::from_slice(&fs_err::read(config.directory.join("status.json")).unwrap()).unwrap();
        let shim = i32::try_from(status["shim"]["pid"].as_i64().unwrap()).unwrap();
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(shim), nix::sys::signal::Signal::SIGKILL).unwrap();
        let exit = handle.exited().await.unwrap();
        assert_eq!(exit.code, 137);
        assert!(!handle_alive(handle.pid()), "its init is gone");
        assert_eq!(ExitStatus::read(&config.directory).unwrap(), Some(exit));
    });
}

/// Whether a process runs; a zombie does not.
fn handle_alive(pid: i32) -> bool {
    fs_err::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn a_container_nobody_starts_goes_away() {
    let host = Host::new();
    let config = host.config(&["touch", "/started"]);
    block_on(async {
        let mut shim = Shim::spawn(&config, &[]).unwrap();
        let init = shim.created().await.unwrap();
        let namespace = fs_err::read_link(format!("/proc/{}/ns/net", init.pid)).unwrap();
        assert_ne!(namespace, fs_err::read_link("/proc/thread-self/ns/net").unwrap());
        let pid = nix::unistd::Pid::from_raw(init.pid);
        let pidfd = rustix::process::pidfd_open(
            rustix::process::Pid::from_raw(pid.as_raw()).unwrap(),
            rustix::process::PidfdFlags::empty(),
        )
        .unwrap();
        drop(shim);
        let mut watched = [rustix::event::PollFd::new(&pidfd, rustix::event::PollFlags::IN)];
        assert_eq!(
            rustix::event::poll(&mut watched, Some(&rustix::event::Timespec { tv_sec: 10, tv_nsec: 0 })).unwrap(),
            1
        );
        assert!(!config.directory.join("upper/started").exists());
    });
}

#[test]
fn descriptors_are_held_for_the_containers_life() {
    use std::os::fd::AsFd;
    let host = Host::new();
    let config = host.config(&["sleep", "100"]);
    block_on(async {
        let (read, write) = rustix::pipe::pipe().unwrap();
        let mut shim = Shim::spawn(&config, &[write.as_fd()]).unwrap();
        drop(write);
        shim.created().await.unwrap();
        let handle = shim.start().await.unwrap();
        rustix::io::ioctl_fionbio(&read, true).unwrap();
        assert_eq!(rustix::io::read(&read, &mut [0; 1]), Err(rustix::io::Errno::AGAIN), "the shim holds the other end");
        handle.signal(Signal::KILL).unwrap();
        handle.exited().await.unwrap();
        assert_eq!(rustix::io::read(&read, &mut [0; 1]), Ok(0));
    });
}

#[test]
fn a_terminal() {
    let host = Host::new();
    let outcome = host.sh_with("tty; tty < /dev/console; stty size", |config| {
        let process = config.spec.process_mut().as_mut().unwrap();
        process.set_terminal(Some(true));
        process.set_console_size(serde_json::from_str(r#"{"height": 33, "width": 99}"#).unwrap());
    });
    assert_eq!(outcome.stdout, "/dev/pts/0\r\n/dev/console\r\n33 99\r\n");
}
