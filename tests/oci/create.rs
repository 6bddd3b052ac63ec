//! `create`: what it hands to others, and what it hands on.

use std::io::{IoSliceMut, Read as _};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};

use super::harness::Lab;

/// Waits for one descriptor at a socket.
pub(crate) fn receive(listener: &UnixListener) -> OwnedFd {
    let (connection, _) = listener.accept().unwrap();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut name = [0; 64];
    let slices = &mut [IoSliceMut::new(&mut name)];
    let received = rustix::net::recvmsg(&connection, slices, &mut ancillary, RecvFlags::CMSG_CLOEXEC).unwrap();
    assert!(received.bytes > 0, "engines expect a name");
    ancillary
        .drain()
        .find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
            _ => None,
        })
        .unwrap()
}

#[test]
fn the_terminal_goes_to_the_console_socket() {
    let mut lab = Lab::new("test -t 0 && stty size && tty");
    lab.config["process"]["terminal"] = true.into();
    lab.config["process"]["consoleSize"] = serde_json::json!({"height": 25, "width": 80});
    let listener = UnixListener::bind(lab.bundle().join("console.sock")).unwrap();
    lab.oci("create --console-socket console.sock ID").text();
    let master = receive(&listener);
    lab.oci("start ID").text();
    let mut text = Vec::new();
    // A terminal without a process answers EIO.
    let _ = std::fs::File::from(master).read_to_end(&mut text);
    assert_eq!(String::from_utf8(text).unwrap(), "25 80\r\n/dev/pts/0\r\n");
    lab.await_status("stopped");
}

#[test]
fn a_terminal_needs_a_console_socket_and_the_other_way_round() {
    let mut lab = Lab::new("true");
    let error = lab.oci("create --console-socket /no/such ID").error();
    assert!(error.contains("cannot hand a descriptor to `/no/such`"), "{error}");
    let _listener = UnixListener::bind(lab.bundle().join("console.sock")).unwrap();
    let error = lab.oci("create --console-socket console.sock ID").error();
    assert_eq!(error, "create failed: cannot use console socket if the container has no tty");
    lab.config["process"]["terminal"] = true.into();
    let error = lab.oci("create ID").error();
    assert_eq!(error, "create failed: cannot allocate tty if the container is detached without setting console socket");
}

#[test]
fn the_pid_goes_to_a_file_and_the_pidfd_to_a_socket() {
    let lab = Lab::new("true");
    let listener = UnixListener::bind(lab.bundle().join("pidfd.sock")).unwrap();
    lab.oci("create --pid-file init.pid --pidfd-socket pidfd.sock ID").text();
    let pid = fs_err::read_to_string(lab.bundle().join("init.pid")).unwrap();
    assert_eq!(pid, lab.state()["pid"].to_string());
    rustix::process::pidfd_send_signal(receive(&listener), rustix::process::Signal::KILL).unwrap();
    lab.await_status("stopped");
}

#[test]
fn a_pid_file_that_cannot_be_written_undoes_all() {
    let lab = Lab::new("true");
    let error = lab.oci("create --pid-file /no/such/directory/pid ID").error();
    assert!(error.contains("cannot write `/no/such/directory/pid`"), "{error}");
    assert_eq!(lab.oci("state ID").error(), "container does not exist");
}

/// The shell opens descriptors 3 and 4, of which as many are passed on as asked.
fn descriptors(flags: &str, listen: &str) -> String {
    let lab = Lab::new("ls /proc/$$/fd; echo $LISTEN_FDS $LISTEN_PID; cat <&3 2>/dev/null; true");
    fs_err::write(lab.bundle().join("three"), "third\n").unwrap();
    let inner = lab.command(&format!("run {flags} ID"));
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "exec 3<three 4</dev/null; exec \"$@\"", "sh"]).arg(inner.get_program()).args(inner.get_args());
    shell.current_dir(lab.bundle()).env("LISTEN_FDS", listen).env("LISTEN_PID", "1");
    if listen.is_empty() {
        shell.env_remove("LISTEN_FDS");
    }
    lab.run(&mut shell).text().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn descriptors_are_passed_on_as_asked() {
    assert_eq!(descriptors("", ""), "0 1 2");
    assert_eq!(descriptors("--preserve-fds 1", ""), "0 1 2 3 third");
    assert_eq!(descriptors("--preserve-fds 2", ""), "0 1 2 3 4 third");
    assert_eq!(descriptors("--preserve-fds 1", "1"), "0 1 2 3 4 1 1 third");
}

#[test]
fn descriptors_that_are_not_open() {
    let lab = Lab::new("true");
    let error = lab.oci("create --preserve-fds 5 ID").error();
    assert!(error.starts_with("create failed: cannot pass on descriptors: bad file descriptor"), "{error}");
}

#[test]
fn who_reads_what_it_prints_does_not_wait_for_the_start() {
    let mut lab = Lab::new("true");
    lab.config["process"]["terminal"] = true.into();
    let _listener = UnixListener::bind(lab.bundle().join("console.sock")).unwrap();
    // Returns at the end of the output: when nobody holds the pipe any more.
    let output = lab.command("create --console-socket console.sock ID").output().unwrap();
    assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
    assert_eq!(lab.status(), "created");
}

#[test]
fn an_init_that_waits_keeps_nothing_open_of_the_callers() {
    let lab = Lab::new("true");
    fs_err::write(lab.bundle().join("callers"), "").unwrap();
    let inner = lab.command("create ID");
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "exec 7<callers; exec \"$@\"", "sh"]).arg(inner.get_program()).args(inner.get_args());
    lab.run(shell.current_dir(lab.bundle())).text();
    let open = fs_err::read_dir(format!("/proc/{}/fd", lab.state()["pid"])).unwrap();
    let open: Vec<_> = open.filter_map(|entry| fs_err::read_link(entry.unwrap().path()).ok()).collect();
    assert!(open.len() > 3 && !open.iter().any(|path| path.ends_with("callers")), "{open:?}");
}

/// The root of a process, as the host sees it, and what it has mounted there.
const ROOT: &str = "ls /; ls /tmp; grep -c ' / / ' /proc/self/mountinfo; readlink /proc/1/root; cat /proc/1/comm";

#[test]
fn a_root_without_pivot_root() {
    let lab = Lab::new(ROOT);
    fs_err::write(lab.inside("tmp/mark"), "").unwrap();
    let pivoted = lab.oci("run ID").text().to_owned();
    assert_eq!(lab.oci("run --no-pivot ID").text(), pivoted);
    // The host's own are still there.
    assert!(std::path::Path::new("/proc/self").exists() && std::path::Path::new("/sys/kernel").exists());
}

#[test]
fn without_pivot_root_nothing_of_the_kernels_shows_unmasked() {
    // From a second root the first `..` leaves this one: it is the host's, which this process keeps in a descriptor.
    let escape = "mkdir -p /tmp/inner; exec 9</; cd /; chroot /tmp/inner /x 2>/dev/null; \
        grep -E ' (proc|sysfs) ' /proc/self/mountinfo | cut -d' ' -f5 | sort -u";
    let lab = Lab::new(escape);
    let shown = lab.oci("run --no-pivot ID").text().to_owned();
    assert!(shown.lines().all(|path| path.starts_with("/proc") || path == "/sys"), "{shown}");
}

#[test]
fn a_session_keyring_is_not_asked_for() {
    Lab::new("true").oci("create --no-new-keyring ID").text();
}
