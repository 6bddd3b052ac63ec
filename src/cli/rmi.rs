//! `down --rmi`: the images of a project that is gone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::args::Rmi;
use super::context::Context;
use super::error::CliError;
use super::output;
use super::progress::{Event, Status};
use crate::compose::model::{Project, Service};
use crate::image::{Removal, Store};
use crate::name::{ContainerName, ImageReference, ProjectName, ServiceName};
use crate::supervisor::{Configuration, Record};

/// The images of `services`, of all when there are none: by the file, else by what their containers were made from.
pub(super) fn images(
    project_name: &ProjectName,
    project: Option<&Project>,
    records: &[Record],
    services: &[ServiceName],
    which: Rmi,
) -> BTreeSet<ImageReference> {
    let of_file = project.into_iter().flat_map(|project| &project.services);
    let of_records =
        records.iter().filter(|_| project.is_none()).map(|record| (&record.service, &record.config.service));
    let all = of_file.chain(of_records).filter(|(name, _)| services.is_empty() || services.contains(name));
    let is_meant = |name: &ServiceName, service: &Service| match which {
        Rmi::All => true,
        Rmi::Local => service.build.is_some() && is_default(project_name, name, &service.image),
    };
    let meant = all.filter(|(name, service)| is_meant(name, service));
    let images = meant.map(|(_, service)| service.image.clone());
    images.filter(|image| matches!(image, ImageReference::Registry(_))).collect()
}

/// Whether an image is called as one that is built and given no name.
fn is_default(project: &ProjectName, name: &ServiceName, image: &ImageReference) -> bool {
    ImageReference::parse(&format!("{project}-{name}")).is_ok_and(|default| default == *image)
}

/// Removes `images` but for those that a container of this machine is made from, which are named.
pub(super) fn remove(context: &Context, images: &BTreeSet<ImageReference>) -> Result<(), CliError> {
    let store = Store::open(&context.layout.images())?;
    let users = users(context)?;
    let mut progress = output::progress(&context.globals, "down");
    let mut warnings = Vec::new();
    for reference in images {
        let (ImageReference::Registry(registry), Some(image)) = (reference, store.lookup(reference)?) else { continue };
        if let Some(user) = users.get(&image.id) {
            warnings.push(format!("image {reference} stays: container {user} is made from it"));
            continue;
        }
        let id = format!("Image {reference}");
        progress.event(Event::new(id.clone(), Status::Removing), Instant::now())?;
        let removal = store.remove(registry);
        let is_gone = matches!(removal, Ok(Removal::Removed | Removal::Untagged | Removal::Absent));
        let status = if is_gone { Status::Removed } else { Status::Error };
        progress.event(Event::new(id, status), Instant::now())?;
        if removal? == Removal::Busy {
            warnings.push(format!("image {reference} stays: images are being fetched or made; try again then"));
        }
    }
    progress.finish(Instant::now())?;
    warnings.iter().for_each(|message| output::warn(output::paint(&context.globals), message));
    Ok(())
}

/// The images that containers of this machine use, each with one that does.
pub(super) fn users(context: &Context) -> Result<BTreeMap<String, ContainerName>, CliError> {
    let mut users = BTreeMap::new();
    for project in context.layout.project_names()? {
        for record in context.layout.project(&project).read_containers::<Configuration>()? {
            let mounted = record.config.mounted_images.into_values();
            users.extend(mounted.chain([record.image_id]).map(|image| (image, record.name.clone())));
        }
    }
    Ok(users)
}
