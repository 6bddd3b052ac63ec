//! A command that runs while the test goes on.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Outcome, eventually};

/// A running command; killed when dropped.
#[derive(Debug)]
pub(crate) struct Background {
    command: String,
    child: Child,
    stdout: Output,
    stderr: Output,
}

/// What a pipe has carried so far, and the thread that empties it.
#[derive(Debug)]
struct Output {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Output {
    fn of(mut pipe: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&bytes);
        let reader = thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                sink.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        });
        Self { bytes, reader }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }
}

impl Background {
    /// Starts `command` in a process group of its own, so that a signal reaches only it.
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let stdout = Output::of(child.stdout.take().unwrap());
        let stderr = Output::of(child.stderr.take().unwrap());
        Self { command: format!("{command:?}"), child, stdout, stderr }
    }

    /// Its standard output up to now.
    pub(crate) fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// Its standard error up to now.
    pub(crate) fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Whether it has ended, and all that it said is here.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some() && self.stdout.reader.is_finished() && self.stderr.reader.is_finished()
    }

    /// Waits until its standard output holds `text`.
    #[track_caller]
    pub(crate) fn prints(&self, text: &str) {
        eventually(&format!("`{text}` in the output of {}", self.command), Duration::from_secs(30), || {
            self.stdout().contains(text).then_some(())
        });
    }

    /// Waits until it has a descriptor open that `/proc` shows as `kind`: `pidfd`.
    #[track_caller]
    pub(crate) fn opens(&self, kind: &str) {
        let directory = format!("/proc/{}/fd", self.child.id());
        eventually(&format!("a {kind} of {}", self.command), Duration::from_secs(30), || {
            let mut descriptors = fs_err::read_dir(&directory).ok()?.flatten();
            let is_meant = |path: std::path::PathBuf| path.to_string_lossy().contains(kind);
            descriptors.any(|descriptor| fs_err::read_link(descriptor.path()).is_ok_and(is_meant)).then_some(())
        });
    }

    /// Sends `signal` to it.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// Kills it; one that has ended stays so.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    /// Waits until it has ended *and* nobody holds its output open: whatever it leaves running must have let go,
    /// or `rcompose up -d | cat` would never end.
    #[track_caller]
    pub(crate) fn wait(mut self, timeout: Duration) -> Outcome {
        let status = eventually(&format!("the end of {}", self.command), timeout, || self.child.try_wait().unwrap());
        eventually(&format!("the end of the output of {}", self.command), Duration::from_secs(5), || {
            (self.stdout.reader.is_finished() && self.stderr.reader.is_finished()).then_some(())
        });
        Outcome { command: self.command.clone(), status, stdout: self.stdout(), stderr: self.stderr() }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
