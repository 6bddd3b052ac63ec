//! `create`, and what `run` has in common with it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::process::ExitCode;

use super::console::Receiver;
use super::log::Log;
use crate::cli::args::{OciArgs, OciCreateArgs};
use crate::cli::terminal;
use crate::runtime::oci::{Container, Create, Id, OciError, Root};

/// What engines call the master of a terminal.
pub(super) const TERMINAL: &str = "/dev/ptmx";

pub(super) fn run(root: &Root, args: &OciArgs, create: &OciCreateArgs, log: &Log) -> Result<ExitCode, OciError> {
    make(root, args, create, false, log)?;
    Ok(ExitCode::SUCCESS)
}

/// Makes the container and hands out what the flags ask for. `attached`, its terminal is returned when nobody else takes
/// it.
pub(super) fn make(
    root: &Root,
    args: &OciArgs,
    create: &OciCreateArgs,
    attached: bool,
    log: &Log,
) -> Result<(Container, Option<OwnedFd>), OciError> {
    let id = Id::new(&create.id)?;
    // Whoever is to take something is asked before anything is made.
    let console = create.console_socket.as_deref().map(Receiver::connect).transpose()?;
    let pidfd = create.pidfd_socket.as_deref().map(Receiver::connect).transpose()?;
    let listening: u32 = std::env::var_os("LISTEN_FDS").and_then(|count| count.to_str()?.parse().ok()).unwrap_or(0);
    let environment = match listening {
        0 => Vec::new(),
        count => vec![format!("LISTEN_FDS={count}"), "LISTEN_PID=1".to_owned()],
    };
    log.debug(&format!("making container {id} of bundle {}", create.bundle.display()));
    let mut created = root.create(&Create {
        id: &id,
        bundle: &create.bundle,
        systemd_cgroup: args.systemd_cgroup,
        preserve_fds: listening.saturating_add(create.preserve_fds),
        environment,
        attached,
        has_console: console.is_some(),
        no_pivot: create.no_pivot,
    })?;
    if let Some(master) = created.terminal.as_ref().filter(|_| console.is_none()) {
        // Lines are made by our terminal, if we have one: a file or a pipe gets what the program writes, as from runc.
        let _ = terminal::pass_newlines(master.as_fd());
    }
    created.warnings.iter().for_each(|warning| log.warning(warning));
    let hand_out = || -> Result<(), OciError> {
        if let (Some(console), Some(master)) = (&console, &created.terminal) {
            console.send(master.as_fd(), TERMINAL)?;
        }
        if let Some(receiver) = &pidfd {
            created.container.with_init(|init: BorrowedFd<'_>| receiver.send(init, "pidfd"))?;
        }
        create.pid_file.as_deref().map_or(Ok(()), |path| write_pid(path, created.container.pid()))
    };
    match hand_out() {
        Ok(()) => Ok((created.container, created.terminal.take().filter(|_| console.is_none()))),
        Err(error) => {
            // The error that led here is the one to tell.
            let _ = created.container.delete(true);
            Err(error)
        }
    }
}

/// Writes a pid file so that a reader sees none or a whole one.
pub(super) fn write_pid(path: &Path, pid: i32) -> Result<(), OciError> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    fs_err::write(&temporary, pid.to_string())
        .and_then(|()| fs_err::rename(&temporary, path))
        .map_err(|source| OciError::Directory { action: "write", path: path.to_owned(), source })
}
