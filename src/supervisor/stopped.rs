//! The files of a container that does not run: what it is made from, and what it mounts.

use std::path::{Path, PathBuf};

use oci_spec::runtime::Mount;

use super::observe::Record;
use crate::runtime::files::{Bind, Stopped};
use crate::state::ContainerLayout;

/// Where the files of the container with this record lie. Its volumes and directories are part of them; what is made anew at
/// each start, such as a tmpfs, is not.
#[must_use]
pub fn stopped(paths: &ContainerLayout, record: &Record) -> Stopped {
    let mounts = record.config.lowered.spec.mounts().as_deref().unwrap_or_default();
    Stopped {
        lower: record.config.layers.clone(),
        upper: paths.upper(),
        work: paths.work(),
        place: paths.root().to_owned(),
        mark: paths.volatile_mark(),
        // What is made for it lies in its run directory, and is made again when it starts.
        binds: mounts.iter().filter_map(bind).filter(|bind| !bind.source.starts_with(paths.run())).collect(),
    }
}

fn bind(mount: &Mount) -> Option<Bind> {
    const PART: &str = "X-mount.subdir=";
    let options = mount.options().as_deref().unwrap_or_default();
    let has = |names: &[&str]| options.iter().any(|option| names.contains(&option.as_str()));
    has(&["bind", "rbind"]).then_some(())?;
    Some(Bind {
        source: mount.source().clone()?,
        target: mount.destination().clone(),
        part: options.iter().find_map(|option| option.strip_prefix(PART)).map(|part| PathBuf::from(Path::new(part))),
        read_only: has(&["ro", "rro"]),
    })
}
