//! What the lowering must know of this machine, as it cannot look itself.

use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};

use super::lower::{self, Machine};
use crate::compose::model::Service;
use crate::runtime;

/// What there is for the cgroups of this machine to limit, as far as the service asks for it.
pub(super) fn machine(service: &Service) -> Machine {
    let cgroups = runtime::Cgroups::of_this_machine();
    let number = |path: &str| {
        let file = fs_err::metadata(path).ok().filter(|file| file.file_type().is_block_device())?;
        let (major, minor) = (rustix::fs::major(file.rdev()), rustix::fs::minor(file.rdev()));
        Some((path.to_owned(), (i64::from(major), i64::from(minor))))
    };
    Machine {
        unified: cgroups.unified,
        limits_swap: cgroups.limits_swap,
        block_devices: lower::block_device_paths(service).filter_map(number).collect(),
    }
}
