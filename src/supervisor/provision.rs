//! What a container needs before it can start: volumes, its own record.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::control::{Event, Resource, Status};
use super::endpoint;
use super::etc;
use super::failure::{Failure, FailureKind};
use super::grant;
use super::health_policy::Check;
use super::host_devices;
use super::lower::{self, ImageDefaults, LowerInput, SeccompProfile};
use super::machine;
use super::observe::{Configuration, Record};
use super::one_off::OneOff;
use super::rollout;
use super::shaping;
use super::share;
use super::shared;
use super::unit::{self, UnitState};
use super::volume;
use super::world::World;
use crate::compose::model::{Healthcheck, Probe, Project, Service};
use crate::image::{Image, ImageConfig, ImageHealthcheck};
use crate::name::{ContainerId, ContainerName, ImageReference, ServiceName, VolumeName};
use crate::plan::{self, Definition, Operation};
use crate::runtime::ExternalRuntime;
use crate::state::{VERSION, VolumeRecord, is_volume_name};
use crate::sys::random;

/// Refuses what cannot be made, before anything is.
///
/// # Errors
/// [`FailureKind::Plan`] for a container name that another project has, for a network of another project, and for a volume
/// that cannot be called so.
pub(super) fn check(world: &World, project: &Project, plan: &plan::Plan) -> Result<(), Failure> {
    if let Some(volume) = project.volumes.values().find(|volume| !is_volume_name(&volume.name)) {
        let message =
            format!("volume name `{}` must be letters, digits, `_`, `.` or `-`, a letter or digit first", volume.name);
        return Err(Failure::new(FailureKind::Plan, message));
    }
    for (_, step) in plan.steps() {
        if let Operation::CreateContainer { service, .. }
        | Operation::UpdateContainer { service, .. }
        | Operation::RollOut { service, .. } = &step.operation
        {
            shaping::check(project, service)?;
        }
    }
    let creations: Vec<_> = plan
        .steps()
        .flat_map(|(_, step)| match &step.operation {
            Operation::CreateContainer { service, number, .. } => vec![(service, *number)],
            Operation::RollOut { service, containers, .. } => {
                containers.iter().map(|replaced| (service, replaced.number)).collect()
            }
            _ => Vec::new(),
        })
        .collect();
    if creations.is_empty() {
        return Ok(());
    }
    shared::join(world, project)?;
    let foreign = world.layout.foreign_container_names(&project.name)?;
    for (service, number) in creations {
        let config = &project.services[service];
        let name = plan::container_name(project, service, config, number);
        if let Some(owner) = foreign.get(&name) {
            let message = format!("container name {name} of service {service} is in use by project {owner}");
            return Err(Failure::new(FailureKind::Plan, message));
        }
        host_devices::find(config)
            .map_err(|failure| failure.because_of(format!("cannot make a container of service {service}")))?;
    }
    Ok(())
}

/// Makes a named volume; one that exists stays as it is.
pub(super) fn create_volume(world: &World, project: &Project, key: &VolumeName) -> Result<(), Failure> {
    let config = &project.volumes[key];
    let definition = Definition::of_volume(config);
    let record = VolumeRecord {
        version: VERSION,
        name: config.name.clone(),
        project: Some(project.name.clone()),
        key: Some(key.as_str().to_owned()),
        created_at: jiff::Timestamp::now(),
        labels: config.labels.clone(),
        hash: Some(definition.hash),
        fields: definition.fields,
    };
    world.layout.create_volume(&world.project, &record)?;
    Ok(())
}

/// Makes a container: everything it is started from later, its record, its directories, its unit.
pub(super) fn create_container(
    world: &Rc<World>,
    project: &Project,
    service: &ServiceName,
    number: u32,
    replaces: Option<&ContainerId>,
) -> Result<(), Failure> {
    let name = plan::container_name(project, service, &project.services[service], number);
    create(world, project, service, replaces, Identity { id: new_id(), name, number, one_off: None })
}

/// Makes a container that is none of the replicas of its service.
///
/// # Errors
/// [`Failure`] also when its name is taken.
pub(super) fn create_one_off(world: &Rc<World>, project: &Project, one_off: &OneOff) -> Result<(), Failure> {
    shaping::check(project, &one_off.service)?;
    shared::join(world, project)?;
    let OneOff { id, name, service, .. } = one_off;
    let foreign = world.layout.foreign_container_names(&project.name)?;
    if world.any_unit(|unit| unit.record.name == *name) || foreign.contains_key(name) {
        let message = format!("container name {name} is in use");
        return Err(Failure::new(FailureKind::Plan, message));
    }
    host_devices::find(&project.services[service])?;
    let identity = Identity { id: id.clone(), name: name.clone(), number: 0, one_off: Some(one_off) };
    create(world, project, service, None, identity)
}

/// What tells a container from every other one.
struct Identity<'a> {
    id: ContainerId,
    name: ContainerName,
    number: u32,
    /// What it is when it is no replica.
    one_off: Option<&'a OneOff>,
}

/// Makes a container that is to take the place, the name and the number of the one that has `name`, and lives beside it until
/// then.
pub(super) fn create_beside(
    world: &Rc<World>,
    project: &Project,
    service: &ServiceName,
    name: &ContainerName,
    replaces: Option<&ContainerId>,
) -> Result<ContainerId, Failure> {
    let id = new_id();
    let (number, name) = (rollout::number_beside(world, service), rollout::name_beside(&id, name));
    create(world, project, service, replaces, Identity { id: id.clone(), name, number, one_off: None })?;
    Ok(id)
}

fn new_id() -> ContainerId {
    ContainerId::new(random::hex(32)).expect("64 hexadecimal digits are a container id")
}

fn create(
    world: &Rc<World>,
    project: &Project,
    service: &ServiceName,
    replaces: Option<&ContainerId>,
    identity: Identity<'_>,
) -> Result<(), Failure> {
    let resource = Resource::Container(identity.name.clone());
    world.say(Event::Progress { resource: resource.clone(), status: Status::Creating });
    // Two projects on one network must not choose the same address.
    let _lock = world.layout.lock_networks()?;
    let made = container_record(world, project, service, replaces, identity).and_then(|record| {
        let config = &project.services[service];
        grant::keep(world, project, config, &record.config.grants)?;
        world.paths.container(&record.id).create(&record, config.storage_size())?;
        Ok(record)
    });
    let status = if made.is_ok() { Status::Created } else { Status::Error };
    world.say(Event::Progress { resource, status });
    let record = Rc::new(made?);
    world.happenings.note(&record, "create", &[]);
    world.insert_unit(unit::spawn(world, record, UnitState::Created, None));
    Ok(())
}

/// The program that runs the containers of a service, where that is not this one.
fn external(project: &Project, config: &Service) -> Option<ExternalRuntime> {
    let found = project.runtimes.get(config.runtime.as_deref()?)?;
    Some(ExternalRuntime { path: found.path.clone(), args: found.args.clone() })
}

/// The seccomp profile of a service. It is read when the container is made, and kept with it.
fn read_profile(project: &Project, service: &ServiceName, file: &str) -> Result<SeccompProfile, Failure> {
    let path = project.working_dir.join(file);
    let about = format!("service {service} has no usable seccomp profile `{}`", path.display());
    let failed =
        |error: &dyn std::error::Error| Failure::from_error(FailureKind::Plan, error).because_of(about.clone());
    // What `open` says of the path is in the message already.
    let text = std::fs::read_to_string(&path).map_err(|error| failed(&error))?;
    SeccompProfile::parse(&text).map_err(|error| failed(&error))
}

fn container_record(
    world: &World,
    project: &Project,
    service: &ServiceName,
    replaces: Option<&ContainerId>,
    Identity { id, name, number, one_off }: Identity<'_>,
) -> Result<Record, Failure> {
    let config = &project.services[service];
    let paths = world.paths.container(&id);
    let image = find_image(world, &config.image)?;
    let defaults = image_defaults(&image.config);
    let inherited = share::volumes(world, config)?;
    let targets = lower::anonymous_volumes(config, &defaults, &inherited);
    let anonymous_volumes = create_anonymous_volumes(world, project, targets, replaces)?;
    let named_volumes = volume::names(project, config);
    let volumes = volume::prepare(world, config, &named_volumes, &anonymous_volumes, &image)?;
    let mounted_images: BTreeMap<_, _> = config
        .mounted_images()
        .map(|reference| Ok((reference.clone(), find_image(world, reference)?)))
        .collect::<Result<_, Failure>>()?;
    let grants = grant::grants(project, config, &paths)?;
    let definition = Definition::of_service(project, config);
    let profile = lower::profile_file(config).map(|file| read_profile(project, service, file)).transpose()?;
    let mut lowered = lower::lower(&LowerInput {
        project,
        name: service,
        service: config,
        number,
        slug: one_off.map(|one_off| one_off.slug.as_str()),
        id: &id,
        image: &defaults,
        image_id: &image.id,
        config_hash: &definition.hash,
        hosts: &paths.etc(etc::HOSTS),
        hostname: &paths.etc(etc::HOSTNAME),
        resolv_conf: &paths.etc(etc::RESOLV_CONF),
        volumes: &volumes,
        mounted_images: &mounted_images.iter().map(|(name, image)| (name.clone(), image.layers.clone())).collect(),
        inherited: &inherited,
        files: &grants.iter().map(|grant| (grant.grant.target.clone(), grant.path.clone())).collect(),
        host_name: &world.host_name,
        processors: world.processors,
        machine: &machine::machine(config),
        profile: profile.as_ref(),
        kernel: world.kernel,
    })
    .map_err(|error| Failure::from_error(FailureKind::Plan, &error))?;
    for warning in &lowered.warnings {
        world.warn(&format!("{name}: {warning}"));
    }
    let mut endpoints = endpoint::endpoints(world, service, config, &name, &id)?;
    if let Some(one_off) = one_off {
        one_off.adapt(&mut lowered.spec, &mut endpoints);
    }
    Ok(Record {
        version: VERSION,
        endpoints,
        one_off: one_off.map(OneOff::record),
        command: lower::arguments(config, &defaults),
        labels: lowered.labels.clone(),
        config_hash: definition.hash,
        config_fields: definition.fields,
        id,
        name,
        service: service.clone(),
        number,
        image: config.image.clone(),
        image_id: image.id,
        created_at: jiff::Timestamp::now(),
        anonymous_volumes,
        config: Configuration {
            check: health_check(config, &image.config, &defaults),
            service: config.clone(),
            layers: image.layers,
            lowered,
            external: external(project, config),
            volumes: named_volumes,
            mounted_images: mounted_images.into_iter().map(|(reference, image)| (reference, image.id)).collect(),
            grants,
        },
    })
}

/// The anonymous volumes of a new container by target: those of the container it replaces, else new ones.
fn create_anonymous_volumes(
    world: &World,
    project: &Project,
    targets: BTreeSet<String>,
    replaces: Option<&ContainerId>,
) -> Result<BTreeMap<String, String>, Failure> {
    let mut volumes = BTreeMap::new();
    for target in targets {
        let inherited = replaces.and_then(|replaced| world.retired_volume(replaced, &target));
        let name = inherited.unwrap_or_else(|| random::hex(32));
        let record = VolumeRecord {
            version: VERSION,
            name: name.clone(),
            project: Some(project.name.clone()),
            key: None,
            created_at: jiff::Timestamp::now(),
            labels: BTreeMap::new(),
            hash: None,
            fields: BTreeMap::new(),
        };
        world.layout.create_volume(&world.project, &record)?;
        volumes.insert(target, name);
    }
    Ok(volumes)
}

/// What an image says, as the lowering wants to see it: empty texts are nothing said.
fn image_defaults(config: &ImageConfig) -> ImageDefaults {
    let text = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    ImageDefaults {
        entrypoint: config.entrypoint.clone(),
        cmd: config.cmd.clone(),
        env: config.env.clone(),
        working_dir: text(&config.working_dir),
        user: text(&config.user),
        volumes: config.volumes.clone(),
        stop_signal: config.stop_signal.clone(),
        labels: config.labels.clone(),
        healthcheck: config.healthcheck.as_ref().map(healthcheck),
    }
}

/// How the health of a container is checked: a command for a shell is run by the shell of the image, as Docker does.
fn health_check(config: &Service, image: &ImageConfig, defaults: &ImageDefaults) -> Option<Check> {
    let mut check = Check::resolve(config.healthcheck.as_ref(), defaults.healthcheck.as_ref(), config.strict_health())?;
    if let (Probe::Shell(command), Some(shell)) = (&check.probe, image.shell.as_ref().filter(|shell| !shell.is_empty()))
    {
        check.probe = Probe::Command(shell.iter().chain([command]).cloned().collect());
    }
    Some(check)
}

fn healthcheck(check: &ImageHealthcheck) -> Healthcheck {
    let test = match check.test.split_first() {
        None => None,
        Some((kind, _)) if kind == "NONE" => Some(Probe::None),
        Some((kind, command)) if kind == "CMD-SHELL" => Some(Probe::Shell(command.join(" "))),
        Some((_, command)) => Some(Probe::Command(command.to_vec())),
    };
    Healthcheck {
        test,
        interval: check.interval,
        timeout: check.timeout,
        retries: check.retries,
        start_period: check.start_period,
        start_interval: check.start_interval,
        disable: false,
    }
}

/// An image that a service needs, which an earlier step of the plan has pulled.
fn find_image(world: &World, reference: &ImageReference) -> Result<Image, Failure> {
    match world.store.lookup(reference) {
        Ok(Some(image)) => Ok(image),
        Ok(None) => Err(Failure::new(FailureKind::ImageMissing, format!("image {reference} is not in the store"))),
        Err(error) => Err(Failure::from_error(FailureKind::System, &error)),
    }
}
