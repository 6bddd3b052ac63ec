//! User namespaces, as the parent of a process in one sees them: it says which ids are whose.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use oci_spec::runtime::{Linux, LinuxIdMapping};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::process::{Gid, Pid, Signal, Uid};
use rustix::thread::{CapabilitiesSecureBits, UnshareFlags};

use super::InitError;
use crate::runtime::channel::Channel;
use crate::runtime::id_map;
use crate::sys::clone::{Cloned, SingleThreaded, clone};
use crate::sys::pidfd::PidFd;

/// Which ids of the host those inside are.
#[derive(Debug, Clone, Default)]
pub(in crate::runtime) struct Mappings {
    pub(in crate::runtime) uids: Vec<LinuxIdMapping>,
    pub(in crate::runtime) gids: Vec<LinuxIdMapping>,
}

impl Mappings {
    /// Those of a namespace to be made.
    pub(super) fn of(linux: &Linux) -> Self {
        let list = |mappings: &Option<Vec<_>>| mappings.clone().unwrap_or_default();
        Self { uids: list(linux.uid_mappings()), gids: list(linux.gid_mappings()) }
    }

    /// Those of the namespace that the process is in, as seen from this one's.
    pub(in crate::runtime) fn read(pid: Pid) -> Result<Self, InitError> {
        let read = |name: &str| -> Result<_, InitError> {
            let path = PathBuf::from(format!("/proc/{}/{name}", pid.as_raw_pid()));
            let text = fs_err::read_to_string(&path).map_err(|source| InitError::Mappings { path, source })?;
            Ok(id_map::parse(&text))
        };
        Ok(Self { uids: read("uid_map")?, gids: read("gid_map")? })
    }

    /// Gives them to the new namespace that the process is in.
    pub(super) fn write(&self, pid: Pid) -> Result<(), InitError> {
        for (name, mappings) in [("uid_map", &self.uids), ("gid_map", &self.gids)] {
            let path = PathBuf::from(format!("/proc/{}/{name}", pid.as_raw_pid()));
            // In one call, as the kernel wants it.
            fs_err::write(&path, id_map::text(mappings)).map_err(|source| InitError::Mappings { path, source })?;
        }
        Ok(())
    }

    /// Who is `uid` and `gid` inside, on the host.
    pub(in crate::runtime) fn to_host(&self, uid: u32, gid: u32) -> Option<(Uid, Gid)> {
        let uid = id_map::to_host(&self.uids, uid)?;
        Some((Uid::from_raw(uid), Gid::from_raw(id_map::to_host(&self.gids, gid)?)))
    }
}

/// The user namespace of a process.
pub(super) fn open(pid: Pid) -> Result<OwnedFd, InitError> {
    let path = PathBuf::from(format!("/proc/{}/ns/user", pid.as_raw_pid()));
    rustix::fs::openat(CWD, &path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|error| InitError::NamespacePath { path, source: error.into() })
}

/// A user namespace with these mappings and without a process, for a mount that maps ids in its own way.
pub(super) fn with_mappings(mappings: &Mappings, single: SingleThreaded) -> Result<OwnedFd, InitError> {
    let (ours, theirs) = Channel::pair().map_err(InitError::Clone)?;
    match clone(single, UnshareFlags::NEWUSER, None).map_err(InitError::Clone)? {
        Cloned::Child => {
            drop(ours);
            // Until it is killed, or whoever made it has gone.
            let _ = theirs.receive();
            crate::sys::process::end(0)
        }
        Cloned::Parent { pid, pidfd } => {
            let pidfd = PidFd::from(pidfd);
            let namespace = mappings.write(pid).and_then(|()| open(pid));
            let ended = pidfd.signal(Signal::KILL).and_then(|()| pidfd.wait(true));
            drop(ours);
            ended.map_err(InitError::Clone)?;
            namespace
        }
    }
}

/// Becomes root inside: until it does, a process has all rights there and the ids of nobody.
pub(in crate::runtime) fn become_root() -> Result<(), InitError> {
    let (uid, gid) = (Uid::from_raw(0), Gid::from_raw(0));
    let become_root = || {
        rustix::thread::set_thread_groups(&[])?;
        rustix::thread::set_thread_res_gid(gid, gid, gid)?;
        rustix::thread::set_thread_res_uid(uid, uid, uid)
    };
    become_root().map_err(|error: rustix::io::Errno| InitError::Identity { uid: 0, source: error.into() })
}

/// Has `make` done with the files of `owner` and all rights of this process. See `setfsuid(2)`.
pub(in crate::runtime) fn with_files_of<T>(owner: (Uid, Gid), make: impl FnOnce() -> T) -> io::Result<T> {
    let bits = rustix::thread::capabilities_secure_bits()?;
    // Whose files they are would otherwise decide about the rights on them.
    rustix::thread::set_capabilities_secure_bits(bits | CapabilitiesSecureBits::NO_SETUID_FIXUP)?;
    let (uid, gid) = (nix::unistd::Uid::from_raw(owner.0.as_raw()), nix::unistd::Gid::from_raw(owner.1.as_raw()));
    let (own_gid, own_uid) = (nix::unistd::setfsgid(gid), nix::unistd::setfsuid(uid));
    let made = make();
    nix::unistd::setfsuid(own_uid);
    nix::unistd::setfsgid(own_gid);
    rustix::thread::set_capabilities_secure_bits(bits)?;
    Ok(made)
}

/// Gives pipes to the container's root, who can then pass them on to whom the program runs as: of what belongs to an
/// id of the host's it could not.
pub(in crate::runtime) fn own_pipes<'a>(
    streams: impl IntoIterator<Item = &'a (impl AsFd + 'a)>,
    mappings: &Mappings,
) -> io::Result<()> {
    let Some((uid, gid)) = mappings.to_host(0, 0) else { return Ok(()) };
    for stream in streams {
        let status = rustix::fs::fstat(stream)?;
        if rustix::fs::FileType::from_raw_mode(status.st_mode).is_fifo() {
            rustix::fs::fchown(stream, Some(uid), Some(gid))?;
        }
    }
    Ok(())
}
