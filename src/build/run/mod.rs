//! RUN: a command in a workspace, in a container that lasts no longer than it, and no longer than this process.
//!
//! ```text
//! Run ─┬▶ mounts: trees, caches, secrets, agents ─┬▶ stubs in the workspace ─▶ root ─┐
//!      └▶ spec ───────────────────────────────────┴▶ runtime::Transient ◀────────────┘
//!                            network ─attach─▶ its namespace │ start
//!                            sink ◀─lines─ stdout, stderr ───┤
//!                            cancel ─kill─▶                  ▼ code, signal, want of memory
//! ```
//! If this process is killed, the container ends, and its cgroup, network namespace and directory go with it. What it used of
//! the store goes when that is cleared up.

mod agent;
mod cache;
mod cancel;
mod error;
mod keys;
mod loopback;
mod mounts;
mod output;
mod request;
mod script;
mod spec;
mod tree;

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

pub use cancel::Cancel;
pub use error::RunError;
pub use keys::{Key, KeyError};
pub use request::{
    Attach, Attached, BindSource, Cache, Limits, Mount, Network, Ownership, Run, Security, Sharing, Site, SshAgent,
    Ulimit,
};
pub use script::{Heredoc, Script, script};

use self::error::prepare;
use self::mounts::Mounts;
use self::output::Output;
use crate::build::layer::Workspace;
use crate::name::ContainerId;
use crate::runtime::log::Stream;
use crate::runtime::{Config, ExitStatus, Given, Rootfs, Seccomp, Stdin, Stdio, Transient};
use crate::sys::{RootDir, create_private_dir_all, random, try_lock_directory};

/// What every image has that a program was run in, as with BuildKit: whatever runs it wants to mount there.
const KEPT: [&str; 3] = ["dev", "proc", "sys"];

/// Runs a command in a workspace, which has what it changed afterwards. Each line that it writes goes to `sink`, without its
/// end, while it runs. Its standard input is empty. Returns what could not be done as asked and did not prevent it from
/// running.
///
/// Blocks; with a [`Network::Own`], as long as that does.
///
/// # Errors
/// [`RunError`]; the workspace may have been changed all the same.
pub fn run(
    run: &Run<'_>,
    site: &Site<'_>,
    workspace: &mut Workspace,
    sink: &mut dyn FnMut(Stream, &[u8]),
    cancel: &Cancel,
) -> Result<Vec<String>, RunError> {
    if cancel.is_cancelled() {
        return Err(RunError::Cancelled);
    }
    let id = ContainerId::new(random::hex(32)).expect("64 digits");
    let directory = Directory::make(site, &id)?;
    let mut mounts = Mounts::prepare(run, site, workspace, &directory.0, cancel)?;
    for directory in KEPT {
        make_missing(workspace.root(), directory).map_err(prepare(directory))?;
    }
    workspace.make_mount_points(&mounts.stubs())?;

    let env = run.env.iter().cloned().chain(mounts.env.drain(..)).collect();
    let spec = spec::spec(run, &id, std::mem::take(&mut mounts.mounts), env)?;
    let config = config(run, workspace, id, spec, directory.0.clone());
    let (output, ends) = Output::new().map_err(prepare("pipes"))?;
    let null = fs_err::File::open("/dev/null").map_err(prepare("/dev/null"))?;
    let given = Given {
        root: workspace.hand_over().map_err(prepare("the root"))?,
        trees: std::mem::take(&mut mounts.trees).into_iter().map(|(index, tree)| (index, tree.fd)).collect(),
        streams: Stdio { stdin: null.file().as_fd(), stdout: ends[0].as_fd(), stderr: ends[1].as_fd() },
    };
    let (container, init) = Transient::create(&config, given)?;
    mounts.remove_names();
    // Only the container writes to them.
    drop(ends);
    // As if the program had said it: what fails for want of a network fails beside the reason.
    let mut warn = |text: &str| sink(Stream::Stderr, format!("warning: {text}").as_bytes());
    let _network = match run.network {
        Network::Own(network) => Some(network.attach(init.pid, &mut warn).map_err(prepare("the network"))?),
        Network::None => {
            loopback::bring_up(init.pid).map_err(prepare("the loopback interface"))?;
            None
        }
        Network::Host => None,
    };
    container.start()?;
    output.tell(container.descriptor(), cancel, || container.kill(), sink).map_err(prepare("what it writes"))?;
    let ended = container.ended()?;
    judge(&ended, cancel)?;
    Ok(init.warnings)
}

/// A layer keeps it.
fn make_missing(root: &RootDir, directory: &str) -> io::Result<()> {
    if root.stat(Path::new(directory))?.is_some() {
        return Ok(());
    }
    root.mkdir(Path::new(directory), 0o755)?;
    root.chmod(Path::new(directory), 0o755)
}

fn judge(ended: &ExitStatus, cancel: &Cancel) -> Result<(), RunError> {
    match (ended.code, ended.signal) {
        (0, _) => Ok(()),
        _ if cancel.is_cancelled() => Err(RunError::Cancelled),
        (code, _) if ended.oom => Err(RunError::OutOfMemory { code }),
        (_, Some(signal)) => Err(RunError::Signal { signal }),
        (code, None) => Err(RunError::Exit { code }),
    }
}

fn config(
    run: &Run<'_>,
    workspace: &Workspace,
    id: ContainerId,
    spec: oci_spec::runtime::Spec,
    directory: PathBuf,
) -> Config {
    Config {
        id,
        spec,
        // It is given; these are for what is hidden in it, and for errors.
        rootfs: Rootfs::Overlay {
            lower: workspace.layers().to_owned(),
            upper: PathBuf::new(),
            work: PathBuf::new(),
            volatile: true,
            hide: run.hide.clone(),
        },
        directory,
        log: PathBuf::new(),
        log_options: crate::runtime::log::Options::default(),
        stdin: Stdin::Null,
        init: false,
        user: Some(if run.user.is_empty() { "0".to_owned() } else { run.user.clone() }),
        group_add: Vec::new(),
        seccomp: match run.security {
            Security::Sandbox => Seccomp::Default,
            Security::Insecure => Seccomp::Specified,
        },
        external: None,
        guardian: None,
    }
}

/// The directory of a container, which goes with it, or with this. It is locked: one that is not was left behind.
struct Directory(PathBuf, #[expect(dead_code, reason = "held until it is dropped")] OwnedFd);

impl Directory {
    fn make(site: &Site<'_>, id: &ContainerId) -> Result<Self, RunError> {
        let path = site.run.join(id.as_str());
        loop {
            create_private_dir_all(&path).map_err(prepare("its directory"))?;
            // Somebody who clears up may have taken it for one that was left behind.
            match try_lock_directory(&path).map_err(prepare("its directory"))? {
                Some(lock) if path.exists() => return Ok(Self(path, lock)),
                _ => {}
            }
        }
    }
}

/// Removes the directories in `run` of containers whose builds were killed, together with what would have cleared up after them:
/// there may be secrets in them. What cannot be removed is left.
pub(in crate::build) fn clear_abandoned(run: &Path) {
    for entry in fs_err::read_dir(run).into_iter().flatten().flatten() {
        let is_one = entry.file_name().to_str().is_some_and(|name| ContainerId::new(name).is_ok() && name.len() == 64);
        if is_one && let Ok(Some(_lock)) = try_lock_directory(&entry.path()) {
            let _ = fs_err::remove_dir_all(entry.path());
        }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // Gone in most cases.
        let _ = fs_err::remove_dir_all(&self.0);
    }
}
