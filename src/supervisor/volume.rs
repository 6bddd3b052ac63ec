//! Volumes of a container: finds them, and fills new ones from the image.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;

use super::failure::{Failure, FailureKind};
use super::world::World;
use crate::compose::model::{Mount, Project, Service};
use crate::image::Image;
use crate::name::VolumeName;
use crate::runtime::files::{copy_tree, move_in};

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
        if !nocopy {
            fill(world, image, target, name)?;
        }
        volumes.insert(target.clone(), world.layout.volume_data(name));
    }
    for (target, name) in anonymous {
        fill(world, image, target, name)?;
        volumes.insert(target.clone(), world.layout.volume_data(name));
    }
    Ok(volumes)
}

/// Copies what the image has at `target` into a volume, when that is empty.
///
/// A copy that is cut short, by a disk that is full or by the end of this process, leaves the volume empty: it is made beside,
/// and moved in when it is whole. It is moved piece by piece, since whoever has the volume mounted has that directory; what
/// is left of such a move is moved in first.
fn fill(world: &World, image: &Image, target: &str, name: &str) -> Result<(), Failure> {
    let (data, copied) = (world.layout.volume_data(name), world.layout.volume_copied(name));
    let failed = |error: &dyn Error| {
        let message = format!("cannot fill the volume at {target} from the image");
        Failure::from_error(FailureKind::System, error).because_of(message)
    };
    if !copied.exists() {
        if fs_err::read_dir(&data)?.next().is_some() {
            return Ok(());
        }
        let root = image.open_root().map_err(|error| failed(&error))?;
        let copying = world.layout.volume_copying(name);
        world.layout.clear_copying(name)?;
        fs_err::create_dir(&copying)?;
        // As the volume is where the image has no such directory.
        fs_err::set_permissions(&copying, fs_err::metadata(&data)?.permissions())?;
        if let Err(error) = copy_tree(&root, target, &copying) {
            world.layout.clear_copying(name)?;
            return Err(failed(&error));
        }
        fs_err::rename(&copying, &copied)?;
    }
    move_in(&copied, &data).map_err(|error| failed(&error))
}
