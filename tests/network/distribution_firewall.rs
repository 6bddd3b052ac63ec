//! ufw and firewalld themselves, each on a machine of its own: what they drop is told with a remedy that they take, that helps, and
//! that outlasts their next reload.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use rcompose::network::{IpFamily, foreign_firewalls, foreign_input_firewalls};

use crate::lab::{container, network_of, reaches, serve_tcp};
use crate::netns::on_own_machine;

/// Settings that can be changed without changing the machine's: its directories under a layer that goes with the shell.
const OWN_SETTINGS: &str = r#"set -e
mount --make-rprivate /
mount -t tmpfs own /tmp
for directory in /etc/default /etc/ufw /etc/firewalld; do
    mkdir -p "/tmp$directory/upper" "/tmp$directory/work"
    mount -t overlay -o "lowerdir=$directory,upperdir=/tmp$directory/upper,workdir=/tmp$directory/work" own "$directory"
done
mount -t tmpfs own /run
mkdir -p /run/dbus
set +e
"#;

/// A shell on the machine of the test, whose programs all end with it.
struct Shell {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Shell {
    fn start() -> Self {
        let mut process = Command::new("unshare")
            .args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
        Self { process, input, output }
    }

    /// Waits until `script` has run.
    #[track_caller]
    fn run(&mut self, script: &str) {
        writeln!(self.input, "{{ {script}\n}} >&2; echo $?").unwrap();
        let mut code = String::new();
        self.output.read_line(&mut code).unwrap();
        assert_eq!(code, "0\n", "{script}");
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Has the firewall that `start` starts stand between two networks, and follows what is told of it.
fn a_firewall_is_told_of_and_takes_the_remedy(start: &str, reload: &str) {
    on_own_machine(|| {
        let families = [IpFamily::V4, IpFamily::V6];
        let (front, back) = (network_of(1, &families), network_of(2, &families));
        let (web, other) = (container(&front, 2), container(&back, 2));
        serve_tcp(&web, "web", 80);
        std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap();
        std::fs::write("/proc/sys/net/ipv6/conf/all/forwarding", "1").unwrap();
        let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, 80)).unwrap();
        std::thread::spawn(move || listener.incoming().for_each(drop));
        // The container of the other network, and the machine, by both families.
        let reached = || {
            other.run(|| {
                [
                    reaches((Ipv4Addr::new(10, 1, 0, 2), 80)),
                    reaches((Ipv6Addr::new(0xfd00, 1, 0, 0, 0, 0, 0, 2), 80)),
                    reaches((Ipv4Addr::new(10, 2, 0, 1), 80)),
                    reaches((Ipv6Addr::new(0xfd00, 2, 0, 0, 0, 0, 0, 1), 80)),
                ]
            })
        };
        let told = || [foreign_firewalls().unwrap(), foreign_input_firewalls().unwrap()].concat();
        assert_eq!(reached(), [true; 4], "without a firewall");

        let mut shell = Shell::start();
        shell.run(OWN_SETTINGS);
        shell.run(start);
        assert_eq!(reached(), [false; 4]);
        let firewalls = told();
        for family in families {
            // One for what is forwarded, and one for what is received.
            assert_eq!(firewalls.iter().filter(|firewall| firewall.is_of(family)).count(), 2, "{firewalls:?}");
        }
        for command in firewalls.iter().flat_map(|firewall| firewall.remedy()) {
            shell.run(&command);
        }
        assert_eq!(reached(), [true; 4], "with the remedy");
        assert_eq!(told(), []);

        shell.run(reload);
        assert_eq!(reached(), [true; 4], "after a reload");
        assert_eq!(told(), []);
    });
}

#[test]
fn ufw_lets_through_what_it_is_told_to() {
    a_firewall_is_told_of_and_takes_the_remedy("ufw --force enable", "ufw reload");
}

#[test]
fn firewalld_lets_through_what_it_is_told_to() {
    let start = "dbus-daemon --system --fork --nopidfile && firewalld --nopid && \
                 timeout 120 sh -c 'until firewall-cmd --state; do sleep 0.1; done'";
    a_firewall_is_told_of_and_takes_the_remedy(start, "firewall-cmd --reload");
}
