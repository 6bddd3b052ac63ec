//! The container's root: mounted in its own mount namespace only, so that the kernel unmounts it with its last process.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use oci_spec::runtime::Spec;
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags,
    UnmountFlags, fsconfig_create, fsconfig_set_fd, fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen,
    mount_change, move_mount, open_tree,
};
use rustix::process::{Gid, Uid};

use super::file_system::{Failed, file_system};
use super::mount_options::parse;
use super::{InitError, user_namespace};
use crate::runtime::{Config, Rootfs, record};
use crate::sys::mount::{Propagation, map_ids, set_attributes};
use crate::sys::{RootDir, overlay};

/// Mounts the root file system below the container's run directory, where nobody else sees it. Device nodes in it work only
/// if something restricts which.
pub(super) fn mount(config: &Config, devices_restricted: bool, made: Option<OwnedFd>) -> Result<RootDir, InitError> {
    // Not private: what the host mounts later below an `rslave` bind is to be seen, and what it unmounts to be released.
    let flags = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
    mount_change("/", flags).map_err(|error| InitError::Propagation(error.into()))?;

    let attributes = if devices_restricted { MountAttrFlags::empty() } else { MountAttrFlags::MOUNT_ATTR_NODEV };
    let failed = |error: io::Error| self::failed(config, (error, String::new()));
    let mount = match (made, &config.rootfs) {
        (Some(made), _) => made,
        (None, Rootfs::Directory(path)) => directory(path).map_err(failed)?,
        (None, Rootfs::Overlay { lower, upper, work, volatile, .. }) => {
            overlay(config, lower, upper, work, *volatile).map_err(|error| self::failed(config, error))?
        }
    };
    // To go on as a slave of the host's mounts it must be one all the time.
    let wanted = config.spec.linux().as_ref().and_then(|linux| linux.rootfs_propagation().as_deref());
    let propagation = match wanted.and_then(super::propagation) {
        Some((Propagation::Slave, _)) => Propagation::Slave,
        _ => Propagation::Private,
    };
    set_attributes(&mount, true, attributes, MountAttrFlags::empty(), Some(propagation)).map_err(failed)?;
    let empty = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    let target = config.mountpoint();
    match rustix::fs::mkdir(&target, Mode::from(0o700)) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(failed(error.into())),
    }
    move_mount(&mount, "", CWD, &target, empty).map_err(|error| failed(error.into()))?;
    Ok(RootDir::from(mount))
}

/// A directory of the host with all that is mounted in it, mounted nowhere.
pub(super) fn directory(path: &Path) -> io::Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE;
    Ok(open_tree(CWD, path, flags)?)
}

pub(super) fn failed(config: &Config, (source, log): Failed) -> InitError {
    InitError::Rootfs { path: describe(config), log, source }
}

fn describe(config: &Config) -> PathBuf {
    match &config.rootfs {
        Rootfs::Directory(path) => path.clone(),
        Rootfs::Overlay { lower, .. } => lower.last().cloned().unwrap_or_default(),
    }
}

fn overlay(config: &Config, lower: &[PathBuf], upper: &Path, work: &Path, volatile: bool) -> Result<OwnedFd, Failed> {
    let plain = |error: io::Error| (error, String::new());
    if volatile {
        forget_power_failure(config, work).map_err(plain)?;
    }
    let by_path = |upper: &Path, work: &Path| {
        let lower_fds = open_layers(lower).map_err(plain)?;
        let result = layers(&lower_fds, &open(upper).map_err(plain)?, &open(work).map_err(plain)?, volatile)?;
        match result {
            Some(mount) => Ok(mount),
            None => layers_by_path(lower, upper, work, volatile).map_err(plain),
        }
    };
    match by_path(upper, work) {
        // Some kernels refuse an upper below one of its own lowers, as with `/`: then changes are kept in memory.
        Err((error, _)) if is_overlap(&error) && lower.iter().any(|lower| upper.starts_with(lower)) => {
            let (upper, work) = in_memory(&config.mountpoint()).map_err(plain)?;
            by_path(&upper, &work)
        }
        result => result,
    }
}

/// Opens layers, lowest first. Those of an image that is made over `/` are below that, which the kernel does not take.
pub(in crate::runtime) fn open_layers(lower: &[PathBuf]) -> io::Result<Vec<OwnedFd>> {
    let mut opened = lower.iter().map(|path| open(path)).collect::<io::Result<Vec<_>>>()?;
    if let [lowest, above @ ..] = lower
        && above.iter().any(|layer| layer.starts_with(lowest))
    {
        opened[0] = overlay::lifted(opened[0].as_fd())?;
    }
    Ok(opened)
}

/// A volatile upper that was not unmounted before a power failure may lack data, so the kernel leaves a mark that keeps
/// it from being mounted again. An exit record of this boot tells that it was unmounted.
fn forget_power_failure(config: &Config, work: &Path) -> io::Result<()> {
    if config.directory.join(record::EXIT).exists() {
        match fs_err::remove_dir_all(work.join("work/incompat/volatile")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// As [`overlay`], of layers whose owners are mapped as in the user namespace `mapping`: files of root on disk belong to root inside,
/// and the other way round. Made by the host's root, who alone may map.
///
/// The kernel makes directories of its own in `work` as whoever mounts it: as `owner`, who is root inside.
pub(super) fn mapped_overlay(
    config: &Config,
    mapping: BorrowedFd<'_>,
    owner: (Uid, Gid),
) -> Result<OwnedFd, InitError> {
    let Rootfs::Overlay { lower, upper, work, volatile, .. } = &config.rootfs else {
        return Err(InitError::Missing("overlay"));
    };
    let plain = |error: io::Error| failed(config, (error, String::new()));
    if *volatile {
        forget_power_failure(config, work).map_err(plain)?;
    }
    let lowers: Vec<_> = lower.iter().map(|path| mapped(path, mapping)).collect::<Result<_, _>>()?;
    // On one mount, as the kernel wants both: copies of two places are two mounts, even of the same file system.
    let base = upper.ancestors().find(|ancestor| work.starts_with(ancestor)).unwrap_or(Path::new("/"));
    let in_base = |path: &Path| path.strip_prefix(base).map(Path::to_owned).unwrap_or_default();
    let writable = mapped(base, mapping)?;
    let below = |mount: &OwnedFd, path: &Path| {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::openat(mount, path, flags, Mode::empty()).map_err(|error| plain(error.into()))
    };
    let make = |mount: &OwnedFd, upper: &Path, work: &Path| {
        let (upper, work) = (below(mount, upper)?, below(mount, work)?);
        user_namespace::with_files_of(owner, || layers(&lowers, &upper, &work, *volatile)).map_err(plain)
    };
    let made = match make(&writable, &in_base(upper), &in_base(work))? {
        Err((error, _)) if is_overlap(&error) && lower.iter().any(|lower| upper.starts_with(lower)) => {
            let memory = memory(mapping).map_err(plain)?;
            make(&memory, Path::new("upper"), Path::new("work"))?
        }
        made => made,
    };
    match made {
        Ok(Some(mount)) => Ok(mount),
        Ok(None) => Err(InitError::MappedRoot(None)),
        // Before 6.15 layers had to be mounted somewhere.
        Err((error, log)) if is_overlap(&error) && log.is_empty() => Err(InitError::MappedRoot(Some(error))),
        Err(error) => Err(failed(config, error)),
    }
}

/// A directory of the host without what is mounted in it, mounted nowhere, its owners mapped.
fn mapped(path: &Path, mapping: BorrowedFd<'_>) -> Result<OwnedFd, InitError> {
    let map = || -> io::Result<OwnedFd> {
        let tree = open_tree(CWD, path, OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC)?;
        map_ids(&tree, false, mapping)?;
        Ok(tree)
    };
    map().map_err(|source| InitError::MapIds { path: path.to_owned(), source })
}

/// As [`in_memory`], mounted nowhere.
fn memory(mapping: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let memory = file_system("tmpfs", None, &parse(&["mode=700"])).map_err(|(error, _)| error)?;
    for name in ["upper", "work"] {
        rustix::fs::mkdirat(&memory, name, Mode::from(0o755))?;
    }
    map_ids(&memory, false, mapping)?;
    Ok(memory)
}

fn is_overlap(error: &io::Error) -> bool {
    [Errno::INVAL, Errno::LOOP, Errno::BUSY].iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// Directories on a tmpfs over the place where the root will be.
fn in_memory(directory: &Path) -> io::Result<(PathBuf, PathBuf)> {
    fs_err::create_dir_all(directory)?;
    rustix::mount::mount("tmpfs", directory, "tmpfs", MountFlags::empty(), c"mode=700")?;
    let (upper, work) = (directory.join("upper"), directory.join("work"));
    for path in [&upper, &work] {
        rustix::fs::mkdir(path, Mode::from(0o755))?;
    }
    Ok((upper, work))
}

/// The layers by descriptor, lowest first: no limit on the length or the characters of paths. `None` where the kernel does
/// not take that (before 6.13).
pub(in crate::runtime) fn layers(
    lower: &[OwnedFd],
    upper: &OwnedFd,
    work: &OwnedFd,
    volatile: bool,
) -> Result<Option<OwnedFd>, Failed> {
    let fs = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC).map_err(|error| (error.into(), String::new()))?;
    let configure = || -> io::Result<bool> {
        // The first one given is the topmost.
        for (index, layer) in lower.iter().rev().enumerate() {
            match fsconfig_set_fd(&fs, "lowerdir+", layer) {
                // Before 6.5 an overlay took nothing but texts.
                Err(Errno::INVAL | Errno::BADF | Errno::OPNOTSUPP) if index == 0 => return Ok(false),
                result => result?,
            }
        }
        fsconfig_set_fd(&fs, "upperdir", upper)?;
        fsconfig_set_fd(&fs, "workdir", work)?;
        if volatile {
            fsconfig_set_flag(&fs, "volatile")?;
        }
        fsconfig_set_string(&fs, "source", "overlay")?;
        fsconfig_create(&fs)?;
        Ok(true)
    };
    match configure() {
        Ok(true) => {}
        Ok(false) => return Ok(None),
        Err(error) => return Err((error, super::file_system::kernel_log(&fs))),
    }
    let mount = fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty());
    mount.map(Some).map_err(|error| (error.into(), String::new()))
}

fn open(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(CWD, path, flags, Mode::empty())
        .map_err(|error| io::Error::new(io::Error::from(error).kind(), format!("{}: {error}", path.display())))
}

/// With `mount(2)`, whose options are one text of at most a page.
pub(in crate::runtime) fn layers_by_path(
    lower: &[PathBuf],
    upper: &Path,
    work: &Path,
    volatile: bool,
) -> io::Result<OwnedFd> {
    let escape = |path: &Path| path.to_string_lossy().replace('\\', "\\\\").replace(',', "\\,").replace(':', "\\:");
    let lower: Vec<String> = lower.iter().rev().map(|path| escape(path)).collect();
    let volatile = if volatile { ",volatile" } else { "" };
    let options = format!("lowerdir={},upperdir={},workdir={}{volatile}", lower.join(":"), escape(upper), escape(work));
    let options = std::ffi::CString::new(options)?;
    // Mounted over the upper for a moment, cloned from there.
    rustix::mount::mount("overlay", upper, "overlay", MountFlags::empty(), options.as_c_str())?;
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let tree = open_tree(CWD, upper, flags)?;
    rustix::mount::unmount(upper, UnmountFlags::DETACH)?;
    Ok(tree)
}

/// Puts an empty directory over each hidden one: with `/` as a layer, the state of all containers would be readable.
pub(super) fn hide(config: &Config, root: &RootDir) -> Result<(), InitError> {
    let Rootfs::Overlay { lower, hide, .. } = &config.rootfs else { return Ok(()) };
    for path in hide {
        for inside in lower.iter().filter_map(|lower| path.strip_prefix(lower).ok()) {
            let target = match root.open_at(inside, OFlags::PATH | OFlags::DIRECTORY) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                result => result,
            };
            target
                .and_then(|target| {
                    super::masks::empty_directory().and_then(|empty| super::mounts::attach(empty, target))
                })
                .map_err(|source| InitError::Hide { path: path.clone(), source })?;
        }
    }
    Ok(())
}

/// `root.readonly`: of the root alone, not of what is mounted in it.
pub(super) fn make_readonly(spec: &Spec, root: &RootDir) -> Result<(), InitError> {
    if spec.root().as_ref().and_then(oci_spec::runtime::Root::readonly) != Some(true) {
        return Ok(());
    }
    set_attributes(root, false, MountAttrFlags::MOUNT_ATTR_RDONLY, MountAttrFlags::empty(), None)
        .map_err(|source| InitError::ReadOnly { path: "/".to_owned(), source })
}

/// Makes the mounted root the root directory and lets go of the host's. Returns the new one.
pub(super) fn pivot(root: RootDir) -> Result<RootDir, InitError> {
    let pivot = || -> rustix::io::Result<()> {
        rustix::process::fchdir(root.as_fd())?;
        // The old root ends up mounted over the new one, from where it is the first thing to be unmounted; no directory
        // is needed to put it in. See `pivot_root(2)`, "pivot_root(\".\", \".\")".
        rustix::process::pivot_root(".", ".")?;
        rustix::mount::unmount(".", UnmountFlags::DETACH)?;
        rustix::process::chdir("/")
    };
    pivot().map_err(|error| InitError::Pivot(error.into()))?;
    RootDir::open(Path::new("/")).map_err(InitError::Pivot)
}

/// `linux.rootfsPropagation`. Last, since the root directory cannot be changed while mounts of it show elsewhere.
pub(super) fn set_propagation(spec: &Spec, root: &RootDir) -> Result<(), InitError> {
    let wanted = spec.linux().as_ref().and_then(|linux| linux.rootfs_propagation().as_deref());
    let Some((propagation, recursive)) = wanted.and_then(super::propagation) else { return Ok(()) };
    let none = MountAttrFlags::empty();
    set_attributes(root, recursive, none, none, Some(propagation)).map_err(InitError::RootPropagation)
}
