//! Programs that reach for the runtime itself, or for the kernel past it.

use oci_spec::runtime::Capability;
use rcompose::runtime::{Signal, probe};

use crate::exec::{long, sh};
use crate::harness::{Host, block_on, capabilities, start};

/// CVE-2019-5736: the runtime's binary as seen from inside is not the file on disk, and cannot be written to.
#[test]
fn the_runtime_cannot_be_overwritten() {
    let host = Host::new();
    // With `init`, PID 1 is our own program for as long as the container lives.
    let outcome = host.sh_with("ls -l /proc/1/exe 2>&1; echo x 2>&1 > /proc/1/exe; dd of=/proc/1/exe if=/dev/zero count=1 2>&1; head -c1 /proc/1/mem 2>&1; true", |config| {
        config.init = true;
    });
    assert_eq!(
        outcome.stdout.matches("ermission denied").count() + outcome.stderr.matches("ermission denied").count(),
        4,
        "{outcome:?}"
    );
}

/// CVE-2026-31431: sockets that reach the kernel's crypto or the hypervisor.
#[test]
fn odd_socket_families_are_refused() {
    let host = Host::new();
    let script = "import socket\nfor f in (38, 40):\n try: socket.socket(f, socket.SOCK_SEQPACKET if f == 38 else socket.SOCK_STREAM); print('open')\n except PermissionError: print('refused')";
    let config = host.config(&["python3", "-c", script]);
    assert_eq!(crate::harness::run(&config).text(), "refused\nrefused");
}

/// CVE-2019-5736: even with every right, the runtime's program cannot be changed from inside.
#[test]
fn the_runtime_is_sealed() {
    use rustix::fs::SealFlags;
    let host = Host::new();
    let binary = || fs_err::read(env!("CARGO_BIN_EXE_rcompose")).unwrap();
    let before = binary();
    block_on(async {
        let mut config = host.config(&["sleep", "100"]);
        config.init = true;
        let ptrace = [Capability::SysPtrace, Capability::SysAdmin, Capability::DacOverride];
        capabilities(&mut config, &ptrace);
        let (handle, _) = start(&config).await.unwrap();
        let executable = fs_err::File::open(format!("/proc/{}/exe", handle.pid())).unwrap();
        let seals = rustix::fs::fcntl_get_seals(executable.file()).unwrap();
        assert!(seals.contains(SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE), "{seals:?}");
        let script = "dd of=/proc/1/exe if=/dev/zero count=1 conv=notrunc; echo x > /proc/1/exe; echo end";
        let probe = probe(&config.directory, &sh(&config, script), long(), 4096).await.unwrap();
        assert_eq!(probe.code, Some(0), "{:?}", String::from_utf8_lossy(&probe.output));
        handle.signal(Signal::KILL).unwrap();
        handle.exited().await.unwrap();
    });
    assert!(binary() == before, "the binary on disk has changed");
}

/// CVE-2023-25809: the cgroups of a container are not its to change.
#[test]
fn cgroups_are_read_only() {
    let host = Host::new();
    let script = "for d in /sys/fs/cgroup /sys/fs/cgroup/*/; do mkdir $d/made 2>/dev/null && echo made; done; true";
    assert_eq!(host.sh(script).text(), "");
}
