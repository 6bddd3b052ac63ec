//! From a configuration to an init that waits, by a runtime that is not ours.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::process::{Pid, PidfdFlags, WaitId, WaitIdOptions};

use super::bundle::{self, prepare};
use super::console::Console;
use super::orphans::Orphans;
use super::program::Program;
use super::{ExternalError, ExternalRuntime};
use crate::runtime::cgroup::Cgroup;
use crate::runtime::record::ProcessRecord;
use crate::runtime::{Config, Signal};
use crate::sys::clone::SingleThreaded;
use crate::sys::pidfd::{PidFd, start_time};
use crate::sys::spawn::Streams;

const PID_FILE: &str = "runtime.pid";

/// An init that waits, a child of this process since its runtime left it.
#[derive(Debug)]
pub(in crate::runtime) struct Newborn {
    pub(in crate::runtime) cgroup: Cgroup,
    pub(in crate::runtime) init: PidFd,
    pub(in crate::runtime) process: ProcessRecord,
    pub(in crate::runtime) orphans: Orphans,
    terminal: Option<OwnedFd>,
}

impl Newborn {
    /// Has the runtime make a container, with `streams` as standard streams.
    pub(in crate::runtime) fn create(
        config: &Config,
        runtime: &ExternalRuntime,
        streams: &[OwnedFd; 3],
        single: SingleThreaded,
    ) -> Result<Self, ExternalError> {
        let program = Program { runtime, directory: &config.directory, id: config.id.as_str() };
        super::delete(config)?;
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
            .map_err(|error| program.failed(error.into()))?;
        bundle::write(config, single)?;
        let made = create(config, &program, streams);
        if made.is_err() {
            // The error that led here is the one to tell.
            let _ = super::delete(config);
        }
        let (init, process, terminal) = made?;
        let cgroup = Cgroup::existing(&config.cgroup());
        let orphans = Orphans::watch(process.pid).map_err(|error| program.failed(error.into()))?;
        Ok(Self { cgroup, init, process, orphans, terminal })
    }

    /// The master of its terminal, if it has one.
    pub(in crate::runtime) fn take_terminal(&mut self) -> Option<OwnedFd> {
        self.terminal.take()
    }

    /// Has it execute its program.
    pub(in crate::runtime) fn release(&self, config: &Config) -> Result<(), ExternalError> {
        super::runtime_of(config).map_or(Ok(()), |program| program.run("start", &[], &[]).map(drop))
    }

    /// Ends a container that has not been started.
    pub(in crate::runtime) fn undo(&self, config: &Config) {
        let _ = self.init.signal(Signal::KILL);
        let _ = self.init.wait(true);
        self.clear(config);
    }

    /// Removes what is left of one that has ended and been reaped.
    pub(in crate::runtime) fn clear(&self, config: &Config) {
        let _ = super::delete(config);
        let _ = self.cgroup.delete();
    }
}

fn create(
    config: &Config,
    program: &Program<'_>,
    [stdin, stdout, stderr]: &[OwnedFd; 3],
) -> Result<(PidFd, ProcessRecord, Option<OwnedFd>), ExternalError> {
    let places = program.places();
    let pid_file = config.directory.join(PID_FILE);
    let process = config.spec.process().as_ref();
    let has_terminal = process.is_some_and(|process| process.terminal() == Some(true));
    let console = has_terminal.then(|| Console::listen(&config.directory)).transpose();
    let console = console.map_err(prepare(&config.directory))?;
    let address = console.as_ref().map(|console| console.address().to_string_lossy().into_owned());
    let (bundle, pid_text) = (places.bundle(), pid_file.to_string_lossy());
    let bundle = bundle.to_string_lossy();
    let mut flags = vec!["--bundle", &*bundle, "--pid-file", &*pid_text];
    flags.extend(address.iter().flat_map(|address| ["--console-socket", address.as_str()]));
    let null = crate::runtime::spawn::null().map_err(|source| program.failed(source))?;
    // The container's own streams are those that its runtime has. What that says of its work goes to its log.
    let streams = match has_terminal {
        true => Streams { stdin: null.as_fd(), stdout: null.as_fd(), stderr: null.as_fd() },
        false => Streams { stdin: stdin.as_fd(), stdout: stdout.as_fd(), stderr: stderr.as_fd() },
    };
    program.run_with("create", &flags, &[], streams, None)?;
    let (init, process) = left_behind(program, &pid_file)?;
    let terminal = console.map(|console| console.receive()).transpose().map_err(prepare(&config.directory))?.flatten();
    if has_terminal && terminal.is_none() {
        return Err(program.missing("terminal"));
    }
    if let (Some(terminal), Some(size)) = (&terminal, config.spec.process().as_ref().and_then(size)) {
        let _ = rustix::termios::tcsetwinsize(terminal, size);
    }
    Ok((init, process, terminal))
}

/// The process of this file, once its runtime has left it to this process.
pub(super) fn left_behind(program: &Program<'_>, pid_file: &Path) -> Result<(PidFd, ProcessRecord), ExternalError> {
    let text = fs_err::read_to_string(pid_file).map_err(prepare(pid_file))?;
    let pid = text.trim().parse().ok().and_then(Pid::from_raw).ok_or_else(|| program.missing("pid"))?;
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    // As long as its parent has not reaped it, its pid is no other's.
    rustix::process::waitid(WaitId::Pid(pid), look).map_err(|_| program.missing("process of its own"))?;
    let failed = |source| program.failed(source);
    let pidfd = rustix::process::pidfd_open(pid, PidfdFlags::empty()).map_err(|error| program.failed(error.into()))?;
    let record = ProcessRecord { pid: pid.as_raw_pid(), start_time: start_time(pid).map_err(failed)? };
    Ok((PidFd::from(pidfd), record))
}

pub(super) fn size(process: &oci_spec::runtime::Process) -> Option<rustix::termios::Winsize> {
    let size = process.console_size()?;
    let cells = |count: u64| u16::try_from(count).unwrap_or(u16::MAX);
    Some(rustix::termios::Winsize {
        ws_row: cells(size.height()),
        ws_col: cells(size.width()),
        ws_xpixel: 0,
        ws_ypixel: 0,
    })
}
