//! Why a project cannot be planned.

use super::Cycle;
use crate::name::{ContainerName, ImageReference, NetworkName, ServiceName, VolumeName};

/// Why a project cannot be planned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A service that was asked for is not in the project.
    #[error("no such service: {name}")]
    NoSuchService {
        /// The name that was given.
        name: ServiceName,
    },
    /// Services depend on one another in a circle.
    #[error(transparent)]
    Cycle(#[from] Cycle),
    /// A service waits for the health of one that has no check.
    #[error("service `{service}` waits for `{dependency}` to be healthy, but `{dependency}` has no health check")]
    NoHealthcheck {
        /// The service that waits.
        service: ServiceName,
        /// The service without a check.
        dependency: ServiceName,
    },
    /// A service is to be started that has no containers.
    #[error("service `{service}` has no container to start")]
    NoContainer {
        /// The service.
        service: ServiceName,
    },
    /// A container is to be made from an image that is not there and may not be pulled.
    #[error("image `{image}` of service `{service}` is not in the store, and its pull policy is `never`")]
    ImageNotPresent {
        /// The service.
        service: ServiceName,
        /// Its image.
        image: Box<ImageReference>,
    },
    /// A container is to be made from an image that is not there and may not be built.
    #[error("image `{image}` of service `{service}` is not in the store, and nothing is to be built")]
    ImageNotBuilt {
        /// The service that can be built.
        service: ServiceName,
        /// Its image.
        image: Box<ImageReference>,
    },
    /// A service with a fixed container name is to have several containers.
    #[error("service `{service}` cannot have {scale} containers of the one name `{name}`")]
    NameOfMany {
        /// The service.
        service: ServiceName,
        /// Its `container_name`.
        name: ContainerName,
        /// How many containers it is to have.
        scale: u32,
    },
    /// A service that publishes fixed ports of the machine is to have more containers than these are enough for.
    #[error("{}", port_of_many(service, *scale, *ports))]
    PortOfMany {
        /// The service.
        service: ServiceName,
        /// The first and the last port to choose from.
        ports: (u16, u16),
        /// How many containers it is to have.
        scale: u32,
    },
    /// A network is to be made anew, but a container that stays is attached to it.
    #[error("network `{network}` changed, but container `{container}`, which stays, is attached to it")]
    NetworkInUse {
        /// The network.
        network: NetworkName,
        /// The orphan, or the container of a service that is switched off.
        container: ContainerName,
    },
    /// A volume is to be made anew, but a container that stays has it mounted.
    #[error("volume `{volume}` is to be made anew, but container `{container}`, which stays, has it mounted")]
    VolumeInUse {
        /// The volume.
        volume: VolumeName,
        /// The orphan, or the container of a service that is switched off.
        container: ContainerName,
    },
}

fn port_of_many(service: &ServiceName, scale: u32, (first, last): (u16, u16)) -> String {
    if first == last {
        format!("service `{service}` cannot have {scale} containers on the one port {first} of this machine")
    } else {
        format!("service `{service}` cannot have {scale} containers on the ports {first}-{last} of this machine")
    }
}
