//! A further process, started by the runtime and left to this one, which waits for it.

use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use super::bundle::prepare;
use super::console::Console;
use super::newborn::{left_behind, size};
use super::program::Program;
use super::{ExternalError, ExternalRuntime, identity};
use crate::runtime::Config;
use crate::runtime::exec::ExecOptions;
use crate::runtime::record::{self, ProcessRecord, StatusRecord};
use crate::sys::RootDir;
use crate::sys::pidfd::PidFd;
use crate::sys::spawn::Streams;

/// Starts a process in a container. Its standard streams are this process's, unless it has a terminal, whose master is
/// returned.
pub(in crate::runtime) fn run(
    config: &Config,
    runtime: &ExternalRuntime,
    status: &StatusRecord,
    options: &ExecOptions,
) -> Result<(PidFd, ProcessRecord, Option<OwnedFd>), ExternalError> {
    let program = Program { runtime, directory: &config.directory, id: config.id.as_str() };
    let mut process = options.process.clone();
    // The shim alone has it mounted.
    let root = config.mountpoint();
    let root = root.strip_prefix("/").unwrap_or(&root);
    let root = PathBuf::from(format!("/proc/{}/root", status.shim.pid)).join(root);
    let root = RootDir::open(&root).map_err(prepare(&root))?;
    identity::resolve(&mut process, options.user.as_deref(), &config.group_add, &root)?;
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
        .map_err(|error| program.failed(error.into()))?;
    // One for each: they run at the same time.
    let directory = config.directory.join(format!("exec-{}", std::process::id()));
    fs_err::create_dir_all(&directory).map_err(prepare(&directory))?;
    let started = start(&program, &process, &directory);
    let _ = fs_err::remove_dir_all(&directory);
    if let (Ok((_, _, Some(terminal))), Some(size)) = (&started, size(&process)) {
        let _ = rustix::termios::tcsetwinsize(terminal, size);
    }
    started
}

fn start(
    program: &Program<'_>,
    process: &oci_spec::runtime::Process,
    directory: &std::path::Path,
) -> Result<(PidFd, ProcessRecord, Option<OwnedFd>), ExternalError> {
    const PROCESS: &str = "process.json";
    record::write(directory, PROCESS, process).map_err(Box::new)?;
    let has_terminal = process.terminal() == Some(true);
    let console = has_terminal.then(|| Console::listen(directory)).transpose().map_err(prepare(directory))?;
    let text = |path: PathBuf| path.to_string_lossy().into_owned();
    let (pid_file, process) = (directory.join("pid"), text(directory.join(PROCESS)));
    let pid_text = text(pid_file.clone());
    let address = console.as_ref().map(|console| text(console.address()));
    let mut flags = vec!["--detach", "--process", &process, "--pid-file", &pid_text];
    flags.extend(address.iter().flat_map(|address| ["--console-socket", address.as_str()]));
    let null = crate::runtime::spawn::null().map_err(|source| program.failed(source))?;
    let streams = match has_terminal {
        true => Streams { stdin: null.as_fd(), stdout: null.as_fd(), stderr: null.as_fd() },
        false => {
            Streams { stdin: rustix::stdio::stdin(), stdout: rustix::stdio::stdout(), stderr: rustix::stdio::stderr() }
        }
    };
    program.run_with("exec", &flags, &[], streams, None)?;
    let (pidfd, record) = left_behind(program, &pid_file)?;
    let terminal = console.map(|console| console.receive()).transpose().map_err(prepare(directory))?.flatten();
    if has_terminal && terminal.is_none() {
        let _ = pidfd.signal(crate::runtime::Signal::KILL);
        return Err(program.missing("terminal"));
    }
    Ok((pidfd, record, terminal))
}
