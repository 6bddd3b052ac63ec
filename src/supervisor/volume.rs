//! Volumes of a container: finds them, and fills new ones from the image.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};

use super::copy_tree::copy_tree;
use super::failure::{Failure, FailureKind};
use super::world::World;
use crate::compose::model::{Mount, Project, Service};
use crate::image::Image;
use crate::name::VolumeName;

/// The names on the host of the named volumes of a service.
pub(super) fn names(project: &Project, service: &Service) -> BTreeMap<VolumeName, String> {
    service.named_volumes().filter_map(|key| Some((key.clone(), project.volumes.get(key)?.name.clone()))).collect()
}

/// The directory on the host of each volume of a container, by target; those that are new and empty get what the image
/// has at their target.
///
/// # Errors
/// [`FailureKind::ExternalMissing`] when a volume does not exist, or what the file system refused.
pub(super) fn prepare(
    world: &World,
    service: &Service,
    named: &BTreeMap<VolumeName, String>,
    anonymous: &BTreeMap<String, String>,
    image: &Image,
) -> Result<BTreeMap<String, PathBuf>, Failure> {
    let mut volumes = BTreeMap::new();
    for mount in &service.volumes {
        let Mount::Volume { source: Some(key), target, nocopy, .. } = mount else { continue };
        let name = named.get(key).filter(|name| world.layout.read_volume(name).is_ok_and(|record| record.is_some()));
        let name = name.ok_or_else(|| {
            let name = named.get(key).map_or(key.as_str(), String::as_str);
            Failure::new(FailureKind::ExternalMissing, format!("volume {name} does not exist"))
        })?;
        let data = world.layout.volume_data(name);
        if !nocopy {
            fill(image, target, &data)?;
        }
        volumes.insert(target.clone(), data);
    }
    for (target, name) in anonymous {
        let data = world.layout.volume_data(name);
        fill(image, target, &data)?;
        volumes.insert(target.clone(), data);
    }
    Ok(volumes)
}

/// Copies what the image has at `target` into `data`, when that is empty.
fn fill(image: &Image, target: &str, data: &Path) -> Result<(), Failure> {
    if fs_err::read_dir(data)?.next().is_some() {
        return Ok(());
    }
    let failed = |error: &dyn Error| {
        let message = format!("cannot fill the volume at {target} from the image");
        Failure::from_error(FailureKind::System, error).because_of(message)
    };
    let root = image.open_root().map_err(|error| failed(&error))?;
    copy_tree(&root, target, data).map_err(|error| failed(&error))
}
