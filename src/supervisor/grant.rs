//! Configs and secrets as files of one container, with exactly the owner and mode that was asked for.

use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use fs_err as fs;
use fs_err::os::unix::fs::OpenOptionsExt as _;
use serde::{Deserialize, Serialize};

use super::failure::{Failure, FailureKind};
use crate::compose::model::{FileGrant, FileObject, FileSource, Project, Service};
use crate::state::ContainerLayout;
use crate::sys::create_private_dir_all;

/// A config or secret of a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The file on the host that is mounted, read-only.
    pub path: PathBuf,
    /// Where its content comes from.
    pub source: FileSource,
    /// How the container sees it.
    pub grant: FileGrant,
}

/// The configs and secrets of a service. A file with the default owner and mode is mounted itself, so that changes to
/// it show; anything else becomes a file in the container's run directory.
pub(super) fn grants(project: &Project, service: &Service, paths: &ContainerLayout) -> Result<Vec<Grant>, Failure> {
    let of_configs = service.configs.iter().map(|grant| (grant, project.configs.get(&grant.source)));
    let of_secrets = service.secrets.iter().map(|grant| (grant, project.secrets.get(&grant.source)));
    let grant = |(index, (grant, source)): (usize, (&FileGrant, Option<&FileObject>))| {
        let source = source.and_then(FileObject::source).ok_or_else(|| {
            Failure::new(FailureKind::Plan, format!("config or secret `{}` is not defined", grant.source))
        })?;
        let path = match &source {
            FileSource::File(path) if is_default(grant) => path.clone(),
            FileSource::File(_) | FileSource::Content(_) => paths.grant(index),
        };
        Ok(Grant { path, source, grant: grant.clone() })
    };
    of_configs.chain(of_secrets).enumerate().map(grant).collect()
}

/// Makes the files of `grants` that are made for the container; checks that the others are there.
pub(super) fn write(grants: &[Grant]) -> Result<(), Failure> {
    for Grant { path, source, grant } in grants {
        match source {
            FileSource::File(file) if !file.exists() => {
                let message = format!("file of config or secret `{}` does not exist: {}", grant.source, file.display());
                return Err(Failure::new(FailureKind::BindSourceMissing, message));
            }
            FileSource::File(file) if file == path => {}
            FileSource::File(file) => write_file(path, &fs::read(file)?, grant)?,
            FileSource::Content(text) => write_file(path, text.as_bytes(), grant)?,
        }
    }
    Ok(())
}

fn is_default(grant: &FileGrant) -> bool {
    (grant.uid, grant.gid, grant.mode) == (0, 0, 0o444)
}

fn write_file(path: &Path, bytes: &[u8], grant: &FileGrant) -> Result<(), Failure> {
    if let Some(directory) = path.parent() {
        create_private_dir_all(directory)?;
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    // Nobody else may open it before it has its owner and mode.
    let mut file = fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    fs::os::unix::fs::chown(path, Some(grant.uid), Some(grant.gid))?;
    fs::set_permissions(path, Permissions::from_mode(grant.mode))?;
    Ok(())
}
