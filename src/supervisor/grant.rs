//! Configs and secrets as files of one container, with exactly the owner and mode that was asked for.

use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use fs_err as fs;
use fs_err::os::unix::fs::OpenOptionsExt as _;
use serde::{Deserialize, Serialize};

use super::failure::{Failure, FailureKind};
use super::world::World;
use crate::compose::model::{FileGrant, FileObject, FileSource, Project, Service};
use crate::plan::Definition;
use crate::state::ContainerLayout;
use crate::sys::create_private_dir_all;

/// A config or secret of a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The file on the host that is mounted, read-only.
    pub path: PathBuf,
    /// The file of the host that it is, or is a copy of. What has its content from elsewhere has it in `path` alone, which
    /// a boot takes away.
    pub file: Option<PathBuf>,
    /// How the container sees it.
    pub grant: FileGrant,
}

/// The configs and secrets of a service with where they come from.
fn sources<'a>(
    project: &'a Project,
    service: &'a Service,
) -> impl Iterator<Item = Result<(&'a FileGrant, FileSource), Failure>> {
    let of_configs = service.configs.iter().map(|grant| (grant, project.configs.get(&grant.source)));
    let of_secrets = service.secrets.iter().map(|grant| (grant, project.secrets.get(&grant.source)));
    of_configs.chain(of_secrets).map(|(grant, object)| {
        let undefined =
            || Failure::new(FailureKind::Plan, format!("config or secret `{}` is not defined", grant.source));
        Ok((grant, object.and_then(FileObject::source).ok_or_else(undefined)?))
    })
}

/// The configs and secrets of a service. A file with the default owner and mode is mounted itself, so that changes to
/// it show; anything else becomes a file of the container's own.
pub(super) fn grants(project: &Project, service: &Service, paths: &ContainerLayout) -> Result<Vec<Grant>, Failure> {
    let grant = |(index, source): (usize, Result<(&FileGrant, FileSource), Failure>)| {
        let (grant, source) = source?;
        let file = match source {
            FileSource::File(path) => Some(path),
            FileSource::Content(_) => None,
        };
        let path = file.clone().filter(|_| is_default(grant)).unwrap_or_else(|| paths.grant(index));
        Ok(Grant { path, file, grant: grant.clone() })
    };
    sources(project, service).enumerate().map(grant).collect()
}

/// Writes what of `grants`, those of a container of `service`, has its content from no file.
pub(super) fn keep(world: &World, project: &Project, service: &Service, grants: &[Grant]) -> Result<(), Failure> {
    for (source, Grant { path, grant, .. }) in sources(project, service).zip(grants) {
        if let (_, FileSource::Content(text)) = source? {
            write_file(world, path, text.as_bytes(), grant)?;
        }
    }
    Ok(())
}

/// Writes again what a boot took away, for the containers that are made from what `project` says now.
pub(super) fn renew(world: &World, project: &Project) -> Result<(), Failure> {
    if project.configs.is_empty() && project.secrets.is_empty() {
        return Ok(());
    }
    for record in world.records() {
        let grants = &record.config.grants;
        let is_missing = grants.iter().any(|grant| grant.file.is_none() && !grant.path.exists());
        if let Some(service) = project.services.get(&record.service).filter(|_| is_missing)
            && Definition::of_service(project, service).hash == record.config_hash
        {
            keep(world, project, service, grants)?;
        }
    }
    Ok(())
}

/// Makes copies of files for the container; checks that the rest is there.
pub(super) fn write(world: &World, grants: &[Grant]) -> Result<(), Failure> {
    for Grant { path, file, grant } in grants {
        let missing = match file {
            Some(file) if !file.exists() => {
                format!("file of config or secret `{}` does not exist: {}", grant.source, file.display())
            }
            None if !path.exists() => {
                format!(
                    "the content of config or secret `{}` is gone since the last boot: `up` brings it back",
                    grant.source
                )
            }
            Some(file) if file != path => {
                write_file(world, path, &fs::read(file)?, grant)?;
                continue;
            }
            _ => continue,
        };
        return Err(Failure::new(FailureKind::BindSourceMissing, missing));
    }
    Ok(())
}

fn is_default(grant: &FileGrant) -> bool {
    (grant.uid, grant.gid, grant.mode) == (0, 0, 0o444)
}

fn write_file(world: &World, path: &Path, bytes: &[u8], grant: &FileGrant) -> Result<(), Failure> {
    world.paths.open_grants()?;
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
