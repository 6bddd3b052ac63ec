//! The images of a plan: which are pulled, and which built.

use super::Up;
use crate::compose::model::{Project, PullPolicy, Service};
use crate::name::{ImageReference, ServiceName};
use crate::plan::replicas::{Fate, Replica};
use crate::plan::{Building, Cause, Operation, PlanError};

impl<'a> Up<'a> {
    /// Images come to be before anything else.
    pub(super) fn make_images(&mut self) -> Result<(), PlanError> {
        let services = &self.selection.services;
        let images =
            services.iter().flat_map(|(name, service)| service.images().map(move |image| (*name, *service, image)));
        for (name, service, image) in images {
            if matches!(image, ImageReference::Rootfs(_)) || self.pulls.contains_key(image) {
                continue;
            }
            let makes = |replica: &Replica| matches!(replica.fate, Fate::Create | Fate::Recreate(..));
            let needed = self.options.one_off.as_ref() == Some(name) || self.replicas[name].iter().any(makes);
            let missing = !self.observed.images.contains_key(image) && needed;
            let step = match builder(self.project, name, image) {
                Some((builder, built)) => self.built(builder, built, missing)?,
                None => self.pulled(name, service, image, missing)?,
            };
            if let Some((operation, cause)) = step {
                let node = self.draft.add(operation, cause, []);
                self.pulls.insert(image, node);
            }
        }
        Ok(())
    }

    /// What is done about the image of a service that can be built. Unlike `pull_policy: always` no other one asks for
    /// what a registry may have under the same name.
    fn built(
        &self,
        name: &ServiceName,
        service: &Service,
        missing: bool,
    ) -> Result<Option<(Operation, Cause)>, PlanError> {
        let image = || service.image.clone();
        let build = || Operation::BuildImage { service: name.clone() };
        let policy = self.options.pull.unwrap_or(service.pull_policy());
        Ok(match (self.options.build, policy) {
            (Building::Always, _) => Some((build(), Cause::Requested)),
            // What the file gives no name is in no registry, and somebody else's may be of that name.
            (_, PullPolicy::Always) if !self.is_own_name(name, &service.image) => {
                Some((Operation::PullImage { image: image() }, Cause::PullPolicy))
            }
            (Building::Missing, PullPolicy::Build) => Some((build(), Cause::PullPolicy)),
            (Building::Missing, _) if missing => Some((build(), Cause::Missing)),
            (Building::Never, _) if missing => {
                return Err(PlanError::ImageNotBuilt { service: name.clone(), image: Box::new(image()) });
            }
            _ => None,
        })
    }

    /// What is done about an image that comes from a registry.
    fn pulled(
        &self,
        name: &ServiceName,
        service: &Service,
        image: &ImageReference,
        missing: bool,
    ) -> Result<Option<(Operation, Cause)>, PlanError> {
        let pull = || Operation::PullImage { image: image.clone() };
        Ok(match self.options.pull.unwrap_or(service.pull_policy()) {
            PullPolicy::Always => Some((pull(), Cause::PullPolicy)),
            PullPolicy::Never if missing => {
                return Err(PlanError::ImageNotPresent { service: name.clone(), image: Box::new(image.clone()) });
            }
            PullPolicy::Never => None,
            PullPolicy::Missing | PullPolicy::Build | PullPolicy::Refresh | PullPolicy::Every(_) => {
                missing.then(|| (pull(), Cause::Missing))
            }
        })
    }
}

/// The service that builds `image`: the one called `name` if it is its own, else any whose `image` it is.
fn builder<'a>(
    project: &'a Project,
    name: &ServiceName,
    image: &ImageReference,
) -> Option<(&'a ServiceName, &'a Service)> {
    let builds = |(_, service): &(&ServiceName, &Service)| service.build.is_some() && service.image == *image;
    project.services.get_key_value(name).filter(builds).or_else(|| project.services.iter().find(builds))
}
