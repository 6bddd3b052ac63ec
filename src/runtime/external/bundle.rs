//! The bundle: what the runtime is told, with everything in it that only our own runtime would understand put in terms
//! of the specification.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use oci_spec::runtime::{Linux, Mount, Process, Spec};
use rustix::fs::{CWD, FileType};
use rustix::mount::{MoveMountFlags, move_mount};
use rustix::thread::UnshareFlags;

use super::{ExternalError, Places, identity};
use crate::runtime::init::{self, InitError};
use crate::runtime::{Config, Seccomp, record, seccomp};
use crate::sys::RootDir;
use crate::sys::clone::{SingleThreaded, unshare};

/// Where a container with `init: true` finds this program.
const INIT: &str = "/dev/init";

/// Writes the bundle of a container. Its mounts are in a mount namespace of this process's own, and gone with it.
pub(super) fn write(config: &Config, single: SingleThreaded) -> Result<Spec, ExternalError> {
    unshare(single, UnshareFlags::NEWNS).map_err(InitError::Clone)?;
    let root = init::mount_root(config)?;
    let spec = spec(config, &root)?;
    let bundle = Places(&config.directory).bundle();
    fs_err::create_dir_all(&bundle).map_err(prepare(&bundle))?;
    record::write(&bundle, record::CONFIG, &spec).map_err(Box::new)?;
    Ok(spec)
}

fn spec(config: &Config, root: &RootDir) -> Result<Spec, ExternalError> {
    let mut spec = config.spec.clone();
    let mut place = spec.root().clone().unwrap_or_default();
    place.set_path(config.mountpoint());
    spec.set_root(Some(place));
    let mut process = spec.process().clone().unwrap_or_default();
    identity::resolve(&mut process, config.user.as_deref(), &config.group_add, root)?;
    if config.seccomp == Seccomp::Default {
        set_default_filter(&mut spec, &process);
    }
    if config.init {
        let mut arguments = [INIT, init::REAPER].map(str::to_owned).to_vec();
        arguments.extend(process.args().iter().flatten().cloned());
        process.set_args(Some(arguments));
        spec.mounts_mut().get_or_insert_default().push(own_program(config)?);
    }
    spec.set_process(Some(process));
    for (index, mount) in spec.mounts_mut().iter_mut().flatten().enumerate() {
        if init::is_special(mount) {
            show(mount, &Places(&config.directory).mounts().join(index.to_string()))?;
        }
    }
    Ok(spec)
}

/// This program, as the init of the container.
fn own_program(config: &Config) -> Result<Mount, ExternalError> {
    let path = config.directory.join("init");
    let copy = || -> io::Result<()> {
        // A copy: what this process runs from is a file in memory, which cannot be mounted.
        let mut program = fs_err::File::open("/proc/self/exe")?;
        let _ = std::fs::remove_file(&path);
        let mut options = fs_err::OpenOptions::new();
        let mut file =
            fs_err::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o555).write(true).create_new(true).open(&path)?;
        io::copy(&mut program, &mut file).map(drop)
    };
    copy().map_err(prepare(&path))?;
    let mut mount = Mount::default();
    mount
        .set_destination(INIT.into())
        .set_typ(Some("bind".to_owned()))
        .set_source(Some(path))
        .set_options(Some(["bind", "ro", "nosuid", "nodev"].map(str::to_owned).to_vec()));
    Ok(mount)
}

fn set_default_filter(spec: &mut Spec, process: &Process) {
    // `Linux::default()` is a whole default configuration.
    let empty = || serde_json::from_str::<Linux>("{}").expect("every field is optional");
    let filter = seccomp::portable(process.capabilities().as_ref());
    spec.linux_mut().get_or_insert_with(empty).set_seccomp(Some(filter));
}

/// Has a mount whose source only our own runtime finds show that at a path which any finds.
fn show(mount: &mut Mount, path: &Path) -> Result<(), ExternalError> {
    let tree = init::take_source(mount)?;
    let attach = || -> io::Result<()> {
        fs_err::create_dir_all(path.parent().unwrap_or(path))?;
        make_like(&tree, path)?;
        Ok(move_mount(&tree, "", CWD, path, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?)
    };
    attach().map_err(prepare(path))?;
    mount.set_source(Some(path.to_owned()));
    Ok(())
}

/// A directory, or a file, to mount on.
fn make_like(tree: &OwnedFd, path: &Path) -> io::Result<()> {
    if FileType::from_raw_mode(rustix::fs::fstat(tree)?.st_mode) == FileType::Directory {
        return fs_err::create_dir_all(path);
    }
    fs_err::write(path, "")
}

pub(super) fn prepare(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> ExternalError {
    let path = path.into();
    move |source| ExternalError::Prepare { path, source }
}
