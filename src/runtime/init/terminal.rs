//! A terminal of the container's own devpts, reached without a path that the image could have prepared (CVE-2025-52565).

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use oci_spec::runtime::Box as Size;
use rustix::fs::OFlags;
use rustix::mount::{OpenTreeFlags, open_tree};
use rustix::pty::OpenptFlags;
use rustix::termios::{OptionalActions, OutputModes, Winsize};

use super::InitError;
use crate::sys::RootDir;

/// `DEVPTS_SUPER_MAGIC`.
const DEVPTS: u64 = 0x1cd1;

/// Both ends.
pub(super) struct Terminal {
    pub(super) master: OwnedFd,
    pub(super) slave: OwnedFd,
}

/// Opens a new terminal, `size` large.
pub(super) fn open(root: &RootDir, size: Option<Size>) -> Result<Terminal, InitError> {
    try_open(root, size).map_err(InitError::Terminal)
}

fn try_open(root: &RootDir, size: Option<Size>) -> io::Result<Terminal> {
    let master = root.open_plain(Path::new("dev/pts/ptmx"), OFlags::RDWR | OFlags::NOCTTY);
    let master = master.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => io::Error::new(error.kind(), "no devpts is mounted at /dev/pts"),
        _ => error,
    })?;
    if u64::try_from(rustix::fs::fstatfs(&master)?.f_type) != Ok(DEVPTS) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "/dev/pts is not a devpts"));
    }
    rustix::pty::unlockpt(&master)?;
    // By descriptor: what lies at /dev/pts/N need not be it.
    let slave =
        rustix::pty::ioctl_tiocgptpeer(&master, OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    if let Some(size) = size {
        let cells = |count: u64| u16::try_from(count).unwrap_or(u16::MAX);
        let size = Winsize { ws_row: cells(size.height()), ws_col: cells(size.width()), ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(&master, size)?;
    }
    Ok(Terminal { master, slave })
}

/// Has it hand on newlines as they are written.
pub(in crate::runtime) fn pass_newlines(master: &OwnedFd) {
    // One that cannot be told is none that anybody reads from.
    if let Ok(mut settings) = rustix::termios::tcgetattr(master) {
        settings.output_modes.remove(OutputModes::ONLCR);
        let _ = rustix::termios::tcsetattr(master, OptionalActions::Now, &settings);
    }
}

/// Shows the terminal as `/dev/console`.
pub(super) fn bind_console(terminal: &Terminal, root: &RootDir) -> Result<(), InitError> {
    let bind = || -> io::Result<()> {
        let target = root.ensure_file(Path::new("dev/console"))?;
        let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_EMPTY_PATH;
        super::mounts::attach(open_tree(&terminal.slave, "", flags)?, target)
    };
    bind().map_err(InitError::Terminal)
}

/// Makes the terminal this process's own, in a new session.
pub(super) fn attach(slave: &OwnedFd) -> Result<(), InitError> {
    let attach = || -> rustix::io::Result<()> {
        rustix::process::setsid()?;
        rustix::process::ioctl_tiocsctty(slave)?;
        rustix::stdio::dup2_stdin(slave)?;
        rustix::stdio::dup2_stdout(slave)?;
        rustix::stdio::dup2_stderr(slave)
    };
    attach().map_err(|error| InitError::Terminal(error.into()))
}
