//! Projects in a few words, and a simulator that carries plans out on a snapshot, checking each step.

use std::collections::{BTreeMap, BTreeSet};

use rcompose::compose::model::{
    Attachment, Condition, Dependency, Healthcheck, Network, Probe, Project, Service, Volume,
};
use rcompose::name::{ContainerId, ContainerName, ImageReference, ProjectName, ServiceName};
use rcompose::plan::{
    Definition, Health, Observed, ObservedContainer, ObservedState, ObservedVolume, Operation, Plan, UpOptions,
    container_name, reconcile,
};

pub(crate) fn name(text: &str) -> ServiceName {
    ServiceName::new(text).unwrap()
}

pub(crate) fn image(text: &str) -> ImageReference {
    ImageReference::parse(text).unwrap()
}

/// A service on the default network.
pub(crate) fn service(image_name: &str) -> Service {
    let mut service = Service::new(image(image_name));
    service.networks.insert("default".parse().unwrap(), Attachment::default());
    service
}

pub(crate) trait With: Sized {
    fn with(self, change: impl FnOnce(&mut Self)) -> Self;
    fn needs(self, on: &str, condition: Condition) -> Self;
    fn depends(self, on: &str, dependency: Dependency) -> Self;
    fn checked(self) -> Self;
}

impl With for Service {
    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn needs(self, on: &str, condition: Condition) -> Self {
        self.depends(on, Dependency { condition, restart: false, required: true })
    }

    fn depends(mut self, on: &str, dependency: Dependency) -> Self {
        self.depends_on.insert(name(on), dependency);
        self
    }

    fn checked(self) -> Self {
        let test = Some(Probe::Shell("true".to_owned()));
        self.with(|service| service.healthcheck = Some(Healthcheck { test, ..Healthcheck::default() }))
    }
}

/// The project `shop`, with the networks and volumes that its services name.
pub(crate) fn project(services: impl IntoIterator<Item = (&'static str, Service)>) -> Project {
    let services: BTreeMap<_, _> = services.into_iter().map(|(key, service)| (name(key), service)).collect();
    let networks = services.values().flat_map(|service| service.networks.keys().cloned());
    let networks = networks.map(|key| (key.clone(), Network { name: format!("shop_{key}"), ..Network::default() }));
    let volumes = services.values().flat_map(|service| service.named_volumes().cloned());
    let volumes = volumes.map(|key| (key.clone(), Volume { name: format!("shop_{key}"), ..Volume::default() }));
    Project {
        files: vec!["/srv/shop/compose.yaml".into()],
        networks: networks.collect(),
        volumes: volumes.collect(),
        services,
        ..Project::new(ProjectName::new("shop").unwrap(), "/srv/shop")
    }
}

/// The plan of `up` without options.
pub(crate) fn up(project: &Project, observed: &Observed) -> Plan {
    reconcile(project, observed, &UpOptions::default()).unwrap()
}

/// What exists after `up` on a machine that had nothing.
pub(crate) fn running(project: &Project) -> Observed {
    let mut observed = Observed::default();
    carry_out(&up(project, &observed), Some(project), &mut observed, &mut |_| 0);
    observed
}

/// The container of that name.
pub(crate) fn container<'a>(observed: &'a mut Observed, name: &str) -> &'a mut ObservedContainer {
    observed.containers.iter_mut().find(|container| container.name.as_str() == name).unwrap()
}

/// Adds a container that `run` has made of `service`, in `state`.
pub(crate) fn add_one_off(observed: &mut Observed, service: &str, slug: &str, state: ObservedState) {
    let of = observed.containers.iter().find(|container| container.service.as_str() == service).unwrap();
    let mut one_off = of.clone();
    one_off.id = ContainerId::new(format!("{:f>64}", slug)).unwrap();
    one_off.name = format!("shop-{service}-run-{slug}").parse().unwrap();
    (one_off.number, one_off.state) = (0, state);
    observed.one_offs.push(one_off);
}

/// Does every step of a plan once those before it are done. `choose` picks one of so many that are ready.
///
/// # Panics
/// When a step cannot be done on what exists at that moment.
pub(crate) fn carry_out(
    plan: &Plan,
    project: Option<&Project>,
    observed: &mut Observed,
    choose: &mut dyn FnMut(usize) -> usize,
) {
    let mut done = BTreeSet::new();
    while done.len() < plan.len() {
        let ready: Vec<_> = plan
            .steps()
            .filter(|(id, _)| !done.contains(id) && plan.dependencies(*id).iter().all(|earlier| done.contains(earlier)))
            .collect();
        assert!(!ready.is_empty(), "a cycle:\n{plan}");
        let (id, step) = ready[choose(ready.len())];
        if let (Operation::StartContainer { service, .. }, Some(project)) = (&step.operation, project) {
            let depends_on = &project.services[service].depends_on;
            for (later, step) in plan.steps().filter(|(id, _)| !done.contains(id)) {
                if let Operation::StartContainer { service: dependency, .. } = &step.operation {
                    assert!(!depends_on.contains_key(dependency), "{id} before its dependency {later}:\n{plan}");
                }
            }
        }
        carry_out_step(&step.operation, project, observed);
        done.insert(id);
    }
}

fn carry_out_step(operation: &Operation, project: Option<&Project>, observed: &mut Observed) {
    let at = |observed: &Observed, container: &ContainerId| {
        observed.containers.iter().position(|one| one.id == *container).expect("the container exists")
    };
    match operation {
        Operation::CreateNetwork { network } => {
            let definition = Definition::of_network(&project.unwrap().networks[network]);
            assert_eq!(observed.networks.insert(network.clone(), definition), None, "{network} exists");
        }
        Operation::CreateVolume { volume } => {
            let config = &project.unwrap().volumes[volume];
            let made = ObservedVolume { name: config.name.clone(), definition: Some(Definition::of_volume(config)) };
            assert_eq!(observed.volumes.insert(volume.clone(), made), None, "{volume} exists");
        }
        Operation::RestoreVolumes { .. } => {}
        Operation::PullImage { image } => drop(observed.images.insert(image.clone(), format!("id of {image}"))),
        Operation::BuildImage { service } => {
            let image = &project.unwrap().services[service].image;
            observed.images.insert(image.clone(), format!("id of {image}"));
        }
        Operation::CreateContainer { service, number, .. } => {
            let container = created(project.unwrap(), service, *number, observed);
            assert!(!observed.containers.iter().any(|one| one.name == container.name), "{} is taken", container.name);
            observed.containers.push(container);
        }
        Operation::UpdateContainer { container, service, .. } => {
            let container = at(observed, container);
            observed.containers[container].limits = project.unwrap().services[service].network_limits().cloned();
        }
        Operation::PreStart { .. } => {}
        Operation::RollOut { service, containers, .. } => {
            for replaced in containers {
                let index = at(observed, &replaced.container);
                let container = created(project.unwrap(), service, replaced.number, observed);
                assert_eq!(container.name, replaced.name);
                observed.containers[index] = container;
                start(project.unwrap(), service, replaced.number, observed);
            }
        }
        Operation::StartContainer { service, number } => start(project.unwrap(), service, *number, observed),
        Operation::AwaitCondition { service, .. } => {
            let waited = observed.containers.iter().filter(|container| container.service == *service);
            for container in waited {
                assert!(is_running(container), "{} was not started", container.name);
            }
        }
        Operation::KillContainer { container, .. }
        | Operation::PauseContainer { container, .. }
        | Operation::UnpauseContainer { container, .. } => {
            assert!(is_running(&observed.containers[at(observed, container)]), "it does not run");
        }
        Operation::StopContainer { container, .. } => {
            let container = at(observed, container);
            assert!(is_running(&observed.containers[container]), "stopped twice");
            observed.containers[container].state = ObservedState::Exited { code: 0 };
        }
        Operation::RemoveContainer { container, .. } => {
            let container = observed.containers.remove(at(observed, container));
            assert!(!is_running(&container), "{} runs", container.name);
        }
        Operation::RemoveNetwork { network } => {
            assert!(!observed.containers.iter().any(|one| one.networks.contains(network)), "{network} is in use");
            assert!(observed.networks.remove(network).is_some(), "{network} does not exist");
        }
        Operation::RemoveVolume { volume, .. } => {
            assert!(!observed.containers.iter().any(|one| one.volumes.contains(volume)), "{volume} is in use");
            assert!(observed.volumes.remove(volume).is_some(), "{volume} does not exist");
        }
    }
}

fn created(project: &Project, key: &ServiceName, number: u32, observed: &Observed) -> ObservedContainer {
    let service = &project.services[key];
    let volumes = service.named_volumes().cloned();
    let volumes: BTreeSet<_> = volumes.collect();
    assert!(has_networks(project, service, observed), "a network is missing");
    assert!(volumes.iter().all(|volume| observed.volumes.contains_key(volume)), "a volume is missing");
    let taken = |id: &ContainerId| observed.containers.iter().any(|container| container.id == *id);
    ObservedContainer {
        id: (0u32..).map(|id| ContainerId::new(format!("{id:064x}")).unwrap()).find(|id| !taken(id)).unwrap(),
        name: container_name(project, key, service, number),
        service: key.clone(),
        number,
        definition: Definition::of_service(project, service),
        image: observed.images.get(&service.image).expect("the image was pulled").clone(),
        mounted_images: service
            .mounted_images()
            .map(|image| (image.clone(), observed.images.get(image).expect("the image was pulled").clone()))
            .collect(),
        stop_grace_period: service.stop_grace_period(),
        depends_on: service.depends_on.clone(),
        joins: project.services.keys().filter(|other| service.joins(other)).cloned().collect(),
        is_checked: service.healthcheck.is_some(),
        networks: service.networks.keys().cloned().collect(),
        volumes,
        limits: service.network_limits().cloned(),
        state: ObservedState::Created,
    }
}

fn start(project: &Project, key: &ServiceName, number: u32, observed: &mut Observed) {
    let service = &project.services[key];
    assert!(has_networks(project, service, observed), "a network is missing");
    let mut named = observed.containers.iter_mut().filter(|one| one.service == *key && one.number == number);
    let container = named.next().expect("what is started exists");
    assert!(!is_running(container), "{} runs already", container.name);
    let health = if service.healthcheck.is_some() { Health::Healthy } else { Health::None };
    container.state = ObservedState::Running { health };
}

/// Whether every network of a service exists; external ones are not in the snapshot.
fn has_networks(project: &Project, service: &Service, observed: &Observed) -> bool {
    service.networks.keys().all(|key| project.networks[key].external || observed.networks.contains_key(key))
}

pub(crate) fn is_running(container: &ObservedContainer) -> bool {
    matches!(container.state, ObservedState::Running { .. })
}

/// An image is renewed in the store, as by `pull`.
pub(crate) fn renew(observed: &mut Observed, name: &str) {
    observed.images.insert(image(name), "another id".to_owned());
}

pub(crate) fn names(plan: &Plan) -> Vec<&str> {
    plan.orphans().iter().map(ContainerName::as_str).collect()
}
