//! A command at a terminal.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rustix::termios::{LocalModes, tcgetattr, tcsetwinsize};

use super::eventually;

/// A command that has a terminal of its own as its standard streams; killed when dropped.
#[derive(Debug)]
pub(crate) struct Terminal {
    child: Child,
    master: File,
    slave: File,
    shown: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    /// Starts `command` at a terminal of 24 lines with 80 characters.
    pub(crate) fn spawn(command: &Command) -> Self {
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let pair = openpty(&size, None).unwrap();
        let (master, slave) = (File::from(pair.master), File::from(pair.slave));
        // In a session of its own, whose terminal this is.
        let mut session = Command::new("setsid");
        session.args(["--ctty", "--wait"]).arg(command.get_program()).args(command.get_args());
        session.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        session.current_dir(command.get_current_dir().unwrap());
        let stream = || Stdio::from(slave.try_clone().unwrap());
        let child = session.stdin(stream()).stdout(stream()).stderr(stream()).spawn().unwrap();
        let shown = Arc::new(Mutex::new(Vec::new()));
        let (mut from, sink) = (master.try_clone().unwrap(), Arc::clone(&shown));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = from.read(&mut buffer) {
                sink.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        });
        Self { child, master, slave, shown }
    }

    /// What it shows up to now.
    pub(crate) fn shown(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    /// Waits until it shows `text`.
    #[track_caller]
    pub(crate) fn shows(&self, text: &str) {
        eventually(&format!("`{text}` in {:?}", self.shown()), Duration::from_secs(20), || {
            self.shown().contains(text).then_some(())
        });
    }

    /// Types `keys`.
    pub(crate) fn types(&self, keys: &str) {
        (&self.master).write_all(keys.as_bytes()).unwrap();
    }

    /// Gives it another size, of which its programs are told.
    pub(crate) fn resize(&self, rows: u16, columns: u16) {
        tcsetwinsize(
            &self.master,
            rustix::termios::Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 },
        )
        .unwrap();
    }

    /// Whether keys are passed on as they are.
    pub(crate) fn is_raw(&self) -> bool {
        !tcgetattr(&self.slave).unwrap().local_modes.contains(LocalModes::ICANON)
    }

    /// Sends `signal` to the command.
    pub(crate) fn signal(&self, signal: Signal) {
        let children = format!("/proc/{0}/task/{0}/children", self.child.id());
        // setsid(1) forks only when it must.
        let text = fs_err::read_to_string(children).unwrap();
        let pid = text.trim().parse().unwrap_or_else(|_| i32::try_from(self.child.id()).unwrap());
        kill(Pid::from_raw(pid), signal).unwrap();
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> ExitStatus {
        eventually("the end of a command at a terminal", Duration::from_secs(20), || self.child.try_wait().unwrap())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
