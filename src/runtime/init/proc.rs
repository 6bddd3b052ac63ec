//! A proc file system nobody else has: what is written through it reaches the kernel, whatever a volume or an image puts
//! at `/proc` (CVE-2019-19921, CVE-2025-52881).

use std::io::Write;
use std::os::fd::OwnedFd;

use oci_spec::runtime::{Process, Spec};
use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_string, fsmount, fsopen};

use super::InitError;

/// A proc of the process's own pid namespace, mounted nowhere.
pub(super) struct Proc(pub(super) OwnedFd);

impl Proc {
    pub(super) fn mount() -> Result<Self, InitError> {
        let mount = || {
            let fs = fsopen("proc", FsOpenFlags::FSOPEN_CLOEXEC)?;
            // What mount(8) shows it as.
            fsconfig_set_string(&fs, "source", "proc")?;
            fsconfig_create(&fs)?;
            fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())
        };
        mount().map(Self).map_err(|error| InitError::Proc(error.into()))
    }

    /// Sets `linux.sysctl`, in the namespaces the process is in.
    pub(super) fn set_sysctls(&self, spec: &Spec) -> Result<(), InitError> {
        let sysctls = spec.linux().as_ref().and_then(|linux| linux.sysctl().as_ref());
        let sysctls: std::collections::BTreeMap<_, _> = sysctls.into_iter().flatten().collect();
        for (key, value) in sysctls {
            // As sysctl(8): dots separate, unless slashes do.
            let path = if key.contains('/') { key.clone() } else { key.replace('.', "/") };
            self.write(&format!("sys/{path}"), value).map_err(|error| InitError::Sysctl {
                key: key.clone(),
                value: value.clone(),
                source: error,
            })?;
        }
        Ok(())
    }

    pub(super) fn set_oom_score_adj(&self, process: &Process) -> Result<(), InitError> {
        process
            .oom_score_adj()
            .map_or(Ok(()), |score| self.write("self/oom_score_adj", &score.to_string()))
            .map_err(InitError::OomScore)
    }

    pub(super) fn write(&self, path: &str, value: &str) -> std::io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_XDEV | ResolveFlags::NO_MAGICLINKS;
        let file = rustix::fs::openat2(&self.0, path, flags, Mode::empty(), resolve)?;
        fs_err::File::from_parts(file.into(), path).write_all(value.as_bytes()).map_err(|error| error.kind().into())
    }
}
