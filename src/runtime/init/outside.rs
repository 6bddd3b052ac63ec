//! What a container needs of the host that its init could not get by itself: from a user namespace of its own it cannot
//! say who is who on file systems of the host, open what only the host's root may, or make devices.
//!
//! The shim makes it while init waits, as mounts that are attached nowhere, and hands over their descriptors.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use oci_spec::runtime::{Mount, Spec};
use rustix::mount::{OpenTreeFlags, open_tree};
use rustix::process::Pid;

use super::mount_options::{Options, parse};
use super::user_namespace::{self, Mappings};
use super::{InitError, Namespaces, bind, devices, rootfs};
use crate::runtime::channel::{Channel, Message};
use crate::runtime::{Config, Rootfs};
use crate::sys::clone::SingleThreaded;
use crate::sys::mount::{MountAttrFlags, Propagation, set_attributes};

/// Detached mounts that the shim has made.
#[derive(Debug, Default)]
pub(in crate::runtime) struct Outside {
    /// The root.
    pub(in crate::runtime) root: Option<OwnedFd>,
    /// Bind mounts, by their index in the specification.
    pub(in crate::runtime) trees: BTreeMap<usize, OwnedFd>,
    /// Device nodes, by their path in the container.
    pub(in crate::runtime) nodes: BTreeMap<PathBuf, OwnedFd>,
}

/// Whether init waits for it.
pub(in crate::runtime) fn is_needed(spec: &Spec, namespaces: &Namespaces) -> bool {
    namespaces.has_user() || binds(spec).any(|(_, mount, options)| is_for_shim(mount, &options))
}

/// What shall be one with the host's mounts both ways is copied where it is not yet a follower of them, and owners are
/// mapped by who has rights on the file system.
fn is_for_shim(mount: &Mount, options: &Options) -> bool {
    is_shared(options) || options.map_ids.is_some() || mount.uid_mappings().is_some()
}

fn binds(spec: &Spec) -> impl Iterator<Item = (usize, &Mount, Options)> {
    let mounts = spec.mounts().iter().flatten().enumerate();
    mounts
        .map(|(index, mount)| (index, mount, parse(mount.options().as_deref().unwrap_or_default())))
        .filter(|(_, mount, options)| bind::is_bind(mount, options) && !options.remount)
}

/// Makes it for the init that waits at the other end of `channel`.
pub(in crate::runtime) fn equip(
    config: &Config,
    namespaces: &Namespaces,
    streams: &[OwnedFd],
    single: SingleThreaded,
    init: Pid,
    channel: &Channel,
) -> Result<(), InitError> {
    let mut outside = Outside::default();
    if namespaces.has_user() {
        let mappings = match (namespaces.has_new_user(), config.spec.linux()) {
            (true, Some(linux)) => Mappings::of(linux),
            _ => Mappings::read(init)?,
        };
        if namespaces.has_new_user() {
            mappings.write(init)?;
        }
        raise(config, init)?;
        user_namespace::own_pipes(streams, &mappings).map_err(InitError::Streams)?;
        outside.root = root(config, &user_namespace::open(init)?, &mappings)?;
        outside.nodes = devices::nodes(config, &mappings)?;
    }
    for (index, mount, options) in binds(&config.spec) {
        if namespaces.has_user() || is_for_shim(mount, &options) {
            outside.trees.insert(index, tree(mount, &options, namespaces, single, init)?);
        }
    }
    outside.send(channel).map_err(InitError::Equip)
}

/// What only the host's root may give: limits beyond those of the shim, a better standing when memory is short.
fn raise(config: &Config, init: Pid) -> Result<(), InitError> {
    let Some(process) = config.spec.process() else { return Ok(()) };
    for rlimit in process.rlimits().iter().flatten() {
        // Where this process may not either, init lowers the limit and says so.
        let _ = rustix::process::prlimit(
            Some(init),
            super::process::resource(rlimit.typ()),
            super::process::rlimit(rlimit),
        );
    }
    let Some(score) = process.oom_score_adj() else { return Ok(()) };
    let path = format!("/proc/{}/oom_score_adj", init.as_raw_pid());
    fs_err::write(path, score.to_string()).map_err(InitError::OomScore)
}

/// The root of a container whose files belong to the host's root, for who is root in `user_namespace`. A directory that
/// is given as it is, is taken as it is.
fn root(config: &Config, user_namespace: &OwnedFd, mappings: &Mappings) -> Result<Option<OwnedFd>, InitError> {
    let root = match &config.rootfs {
        Rootfs::Directory(path) => {
            rootfs::directory(path).map_err(|error| rootfs::failed(config, (error, String::new())))?
        }
        Rootfs::Overlay { .. } => {
            // Of the namespaces that are joined, some map no root: nobody could be root in them.
            let owner = mappings.to_host(0, 0).ok_or(InitError::NoRoot)?;
            rootfs::mapped_overlay(config, user_namespace.as_fd(), owner)?
        }
    };
    Ok(Some(root))
}

fn tree(
    mount: &Mount,
    options: &Options,
    namespaces: &Namespaces,
    single: SingleThreaded,
    init: Pid,
) -> Result<OwnedFd, InitError> {
    let own = match (mount.uid_mappings(), mount.gid_mappings(), options.map_ids) {
        (Some(uids), Some(gids), _) => {
            let mappings = Mappings { uids: uids.clone(), gids: gids.clone() };
            Some(user_namespace::with_mappings(&mappings, single)?)
        }
        (_, _, Some(_)) => Some(user_namespace::open(init)?),
        _ => None,
    };
    let tree = bind::source(mount, options, own.as_ref().map(AsFd::as_fd))?;
    if namespaces.has_user() && is_shared(options) {
        let none = MountAttrFlags::empty();
        // As the kernel does for every mount that a new user namespace sees: nobody in there mounts anything outside.
        set_attributes(&tree, true, none, none, Some(Propagation::Slave))
            .and_then(|()| set_attributes(&tree, true, none, none, Some(Propagation::Shared)))
            .map_err(|source| InitError::MountSource { path: mount.source().clone().unwrap_or_default(), source })?;
    }
    Ok(tree)
}

fn is_shared(options: &Options) -> bool {
    options.propagation.iter().any(|(propagation, _)| *propagation == Propagation::Shared)
}

impl Outside {
    pub(in crate::runtime) fn send(&self, channel: &Channel) -> io::Result<()> {
        let message = Message::Equip {
            root: self.root.is_some(),
            trees: self.trees.keys().copied().collect(),
            nodes: self.nodes.keys().cloned().collect(),
        };
        let descriptors: Vec<_> =
            self.root.iter().chain(self.trees.values()).chain(self.nodes.values()).map(AsFd::as_fd).collect();
        channel.send_all(&message, &descriptors)
    }

    /// Waits for what the shim makes.
    pub(in crate::runtime) fn receive(channel: &Channel) -> Result<Self, InitError> {
        let mut descriptors = Vec::new();
        let (root, trees, nodes) = loop {
            match channel.receive().map_err(InitError::Equip)? {
                Some((Message::Hold, held)) => descriptors.extend(held),
                Some((Message::Equip { root, trees, nodes }, _)) => break (root, trees, nodes),
                _ => return Err(InitError::Equip(io::ErrorKind::UnexpectedEof.into())),
            }
        };
        let mut descriptors = descriptors.into_iter();
        let root = if root { descriptors.next() } else { None };
        let trees = trees.into_iter().zip(descriptors.by_ref()).collect();
        Ok(Self { root, trees, nodes: nodes.into_iter().zip(descriptors).collect() })
    }
}

/// A detached copy of one file of a detached mount.
pub(super) fn node(directory: &OwnedFd, name: &Path) -> io::Result<OwnedFd> {
    Ok(open_tree(directory, name, OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC)?)
}
