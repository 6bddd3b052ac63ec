//! The namespaces a container gets of its own, and those of others that it joins.

use std::fmt::Write as _;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use oci_spec::runtime::{Linux, LinuxNamespaceType};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space};

use super::InitError;
use crate::runtime::channel::{Channel, Failure, Message};
use crate::sys::clone::{Cloned, SingleThreaded, clone, clone_sibling, unshare};
use crate::sys::pidfd::PidFd;

/// What becomes of each kind: new, joined, or (not mentioned) the host's.
#[derive(Debug)]
pub(in crate::runtime) struct Namespaces {
    /// To be made by clone.
    new: UnshareFlags,
    /// To be made once the process is in its cgroup.
    pub(super) new_cgroup: bool,
    joined: Vec<Joined>,
    /// The user namespace, if it is joined.
    joined_user: Option<OwnedFd>,
    /// What `/proc/self/timens_offsets` takes, empty for none.
    time_offsets: String,
}

#[derive(Debug)]
struct Joined {
    /// As in `/proc/self/ns`.
    name: &'static str,
    kind: LinkNameSpaceType,
    fd: OwnedFd,
}

impl Namespaces {
    /// Opens those that exist. There is always a mount namespace, new or joined: the root is mounted in it.
    pub(in crate::runtime) fn open(linux: Option<&Linux>) -> Result<Self, InitError> {
        let mut result = Self {
            new: UnshareFlags::NEWNS,
            new_cgroup: false,
            joined: Vec::new(),
            joined_user: None,
            time_offsets: linux.map(time_offsets).unwrap_or_default(),
        };
        for namespace in linux.and_then(|linux| linux.namespaces().as_deref()).unwrap_or_default() {
            let joined = namespace.path().as_deref().map(open).transpose()?;
            let (name, kind, flag) = match (namespace.typ(), joined.is_some()) {
                (LinuxNamespaceType::Mount, false) => continue,
                (LinuxNamespaceType::Mount, true) => {
                    result.new -= UnshareFlags::NEWNS;
                    ("mnt", LinkNameSpaceType::Mount, UnshareFlags::NEWNS)
                }
                (LinuxNamespaceType::Cgroup, false) => {
                    result.new_cgroup = true;
                    continue;
                }
                (LinuxNamespaceType::Cgroup, true) => {
                    ("cgroup", LinkNameSpaceType::ControlGroup, UnshareFlags::NEWCGROUP)
                }
                (LinuxNamespaceType::User, true) => {
                    result.joined_user = joined;
                    continue;
                }
                (LinuxNamespaceType::User, false) => ("user", LinkNameSpaceType::User, UnshareFlags::NEWUSER),
                (LinuxNamespaceType::Uts, _) => {
                    ("uts", LinkNameSpaceType::HostNameAndNISDomainName, UnshareFlags::NEWUTS)
                }
                (LinuxNamespaceType::Ipc, _) => {
                    ("ipc", LinkNameSpaceType::InterProcessCommunication, UnshareFlags::NEWIPC)
                }
                (LinuxNamespaceType::Pid, _) => ("pid", LinkNameSpaceType::ProcessID, UnshareFlags::NEWPID),
                (LinuxNamespaceType::Network, _) => ("net", LinkNameSpaceType::Network, UnshareFlags::NEWNET),
                (LinuxNamespaceType::Time, _) => ("time", LinkNameSpaceType::Time, UnshareFlags::NEWTIME),
            };
            match joined {
                None => result.new |= flag,
                Some(fd) if kind == LinkNameSpaceType::Mount && is_own_mounts(&fd)? => {
                    return Err(InitError::OwnMountNamespace);
                }
                Some(fd) => result.joined.push(Joined { name, kind, fd }),
            }
        }
        Ok(result)
    }

    /// Whether a user namespace is made for the container.
    pub(super) fn has_new_user(&self) -> bool {
        self.new.contains(UnshareFlags::NEWUSER)
    }

    /// Whether the container is in another user namespace than the host.
    pub(in crate::runtime) fn has_user(&self) -> bool {
        self.has_new_user() || self.joined_user.is_some()
    }

    /// Makes the container's first process, in all of them but what [`Self::enter`] is for. This process stays where
    /// it is.
    pub(in crate::runtime) fn clone(
        &self,
        single: SingleThreaded,
        cgroup: Option<BorrowedFd<'_>>,
    ) -> Result<Cloned, InitError> {
        if let Some(user) = &self.joined_user {
            return self.clone_by_proxy(user, single, cgroup);
        }
        let own = self.enter_before(single)?;
        let cloned = clone(single, self.made_by_clone(), cgroup).map_err(InitError::Clone)?;
        if matches!(cloned, Cloned::Parent { .. }) {
            join(&own)?;
        }
        Ok(cloned)
    }

    /// What of the joined ones must be joined by the parent: a pid namespace takes effect for children only, and in a
    /// new user namespace the child has no rights in those of others.
    fn is_entered_before(&self, joined: &Joined) -> bool {
        joined.kind == LinkNameSpaceType::ProcessID
            || self.has_new_user() && joined.kind != LinkNameSpaceType::ControlGroup
    }

    /// Joins them, makes a time namespace with offsets, and returns what this process is to go back to.
    fn enter_before(&self, single: SingleThreaded) -> Result<Vec<Joined>, InitError> {
        let mut own = Vec::new();
        let mut remember = |name: &'static str, kind| -> Result<(), InitError> {
            own.push(Joined { name, kind, fd: open(Path::new(&format!("/proc/self/ns/{name}")))? });
            Ok(())
        };
        let mut entered = self.joined.iter().filter(|joined| self.is_entered_before(joined));
        entered.clone().try_for_each(|joined| remember(joined.name, joined.kind))?;
        if !self.time_offsets.is_empty() {
            remember("time", LinkNameSpaceType::Time)?;
        }
        entered.try_for_each(Joined::enter)?;
        self.make_time(single)?;
        Ok(own)
    }

    /// A time namespace takes offsets only as long as nobody is in it: the next child will be the first.
    fn make_time(&self, single: SingleThreaded) -> Result<(), InitError> {
        if self.time_offsets.is_empty() {
            return Ok(());
        }
        unshare(single, UnshareFlags::NEWTIME)
            .and_then(|()| fs_err::write("/proc/self/timens_offsets", &self.time_offsets))
            .map_err(InitError::TimeOffsets)
    }

    fn made_by_clone(&self) -> UnshareFlags {
        if self.time_offsets.is_empty() { self.new } else { self.new - UnshareFlags::NEWTIME }
    }

    /// A process that joins a user namespace gives its rights outside up, so a child does that, makes the container's
    /// first process as a child of *this* one, and ends.
    fn clone_by_proxy(
        &self,
        user: &OwnedFd,
        single: SingleThreaded,
        cgroup: Option<BorrowedFd<'_>>,
    ) -> Result<Cloned, InitError> {
        let (ours, theirs) = Channel::pair().map_err(InitError::Clone)?;
        match clone(single, UnshareFlags::empty(), None).map_err(InitError::Clone)? {
            Cloned::Child => {
                drop(ours);
                let message = match self.clone_in(user, single, cgroup) {
                    Ok(Cloned::Child) => return Ok(Cloned::Child),
                    Ok(Cloned::Parent { pid, pidfd }) => {
                        let created = Message::Created { pid: pid.as_raw_pid(), start_time: 0, warnings: Vec::new() };
                        let _ = theirs.send(&created, &[pidfd.as_fd()]);
                        crate::sys::process::end(0)
                    }
                    Err(error) => Message::Failed(Failure { code: error.code(), error: super::text(&error) }),
                };
                let _ = theirs.send(&message, &[]);
                crate::sys::process::end(1)
            }
            Cloned::Parent { pidfd, .. } => {
                drop(theirs);
                let answer = ours.receive().map_err(InitError::Clone)?;
                PidFd::from(pidfd).wait(true).map_err(InitError::Clone)?;
                match answer {
                    Some((Message::Created { pid, .. }, descriptors)) => {
                        let pid = rustix::process::Pid::from_raw(pid);
                        let (pid, pidfd) = pid.zip(descriptors.into_iter().next()).ok_or_else(no_answer)?;
                        Ok(Cloned::Parent { pid, pidfd })
                    }
                    Some((Message::Failed(failure), _)) => Err(InitError::Proxy(failure.error)),
                    _ => Err(no_answer()),
                }
            }
        }
    }

    fn clone_in(
        &self,
        user: &OwnedFd,
        single: SingleThreaded,
        cgroup: Option<BorrowedFd<'_>>,
    ) -> Result<Cloned, InitError> {
        // While there are rights to: in the user namespace there are none in what others own.
        let entered = self.joined.iter().filter(|joined| joined.kind != LinkNameSpaceType::ControlGroup);
        entered.into_iter().try_for_each(Joined::enter)?;
        self.make_time(single)?;
        move_into_link_name_space(user.as_fd(), Some(LinkNameSpaceType::User))
            .map_err(|error| InitError::JoinNamespace { kind: "user", source: error.into() })?;
        clone_sibling(single, self.made_by_clone(), cgroup).map_err(InitError::Clone)
    }

    /// Joins those that are not joined yet.
    pub(super) fn enter(&self) -> Result<(), InitError> {
        self.joined
            .iter()
            .filter(|joined| !self.is_entered_before(joined))
            .filter(|joined| self.joined_user.is_none() || joined.kind == LinkNameSpaceType::ControlGroup)
            .try_for_each(Joined::enter)
    }
}

impl Joined {
    fn enter(&self) -> Result<(), InitError> {
        move_into_link_name_space(self.fd.as_fd(), Some(self.kind))
            .map_err(|error| InitError::JoinNamespace { kind: self.name, source: error.into() })
    }
}

fn join(namespaces: &[Joined]) -> Result<(), InitError> {
    namespaces.iter().try_for_each(Joined::enter)
}

fn open(path: &Path) -> Result<OwnedFd, InitError> {
    rustix::fs::openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|error| InitError::NamespacePath { path: path.to_owned(), source: error.into() })
}

/// Whether it is the mount namespace of this process: the pivot to the container's root takes all in it along.
fn is_own_mounts(namespace: &OwnedFd) -> Result<bool, InitError> {
    let number = |namespace: &OwnedFd| {
        let status = rustix::fs::fstat(namespace);
        status
            .map(|status| (status.st_dev, status.st_ino))
            .map_err(|error| InitError::JoinNamespace { kind: "mnt", source: error.into() })
    };
    Ok(number(namespace)? == number(&open(Path::new("/proc/self/ns/mnt"))?)?)
}

fn no_answer() -> InitError {
    InitError::Clone(io::Error::from(io::ErrorKind::UnexpectedEof))
}

/// See `time_namespaces(7)`.
fn time_offsets(linux: &Linux) -> String {
    let offsets: std::collections::BTreeMap<_, _> = linux.time_offsets().iter().flatten().collect();
    offsets.into_iter().fold(String::new(), |mut text, (clock, offset)| {
        let (seconds, nanoseconds) = (offset.secs().unwrap_or_default(), offset.nanosecs().unwrap_or_default());
        writeln!(text, "{clock} {seconds} {nanoseconds}").expect("a string grows as needed");
        text
    })
}
