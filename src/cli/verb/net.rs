//! `rcompose net`: from the records on disk, and compared with what the kernel has.

use std::process::ExitCode;

use crate::cli::args::{NetArgs, NetFormat};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::net::{self, Container, Endpoint, Facts, Owner, Place, Problem, Reach};
use crate::cli::output;
use crate::compose::model::{NetworkMode, Peer};
use crate::name::{ContainerId, ProjectName};
use crate::network::{self, IpFamily};
use crate::runtime::Handle;
use crate::state::{ContainerState, NetworkRecord};
use crate::supervisor::{Failure, FailureKind, Laid, Published, Record, Running, blueprint};

/// A network with the project that has made it, if any.
type Owned = (Option<ProjectName>, NetworkRecord);

/// A project as it is on disk.
struct Project {
    name: ProjectName,
    /// Those it has made, and those of others that its containers are on, by its own keys.
    networks: Vec<NetworkRecord>,
    containers: Vec<(Record, ContainerState, bool)>,
}

pub(in crate::cli) fn run(context: &Context, args: &NetArgs) -> Result<ExitCode, CliError> {
    context.require_root()?;
    let name = context.resolve_name()?;
    let machine = context.layout.networks()?;
    let projects = projects(context, &machine, &name)?;
    let facts = gather(machine, &projects);
    if args.dot {
        output::print(&net::as_dot(&facts, &name))?;
        return Ok(ExitCode::SUCCESS);
    }
    let problems = match projects.iter().find(|project| project.name == name) {
        Some(project) => problems(project)?,
        None => Vec::new(),
    };
    let mut is_well = problems.is_empty();
    let text = if let [from, to] = &args.of[..] {
        let find = |text: &String| {
            facts.find(&name, text).ok_or_else(|| CliError::NoSuchContainerName {
                container: text.clone(),
                known: facts.of(&name).map(|container| container.service.to_string()).collect(),
            })
        };
        let verdict = net::judge(&facts, find(from)?, find(to)?);
        is_well &= verdict.reaches != Reach::No;
        match args.format {
            NetFormat::Table => net::verdict_as_text(&verdict) + &net::problems_as_text(&problems),
            NetFormat::Json => net::verdict_as_json(&verdict, &problems),
        }
    } else {
        match args.format {
            NetFormat::Table if problems.is_empty() => net::as_text(&facts, &name),
            NetFormat::Table => format!("{}\n{}", net::as_text(&facts, &name), net::problems_as_text(&problems)),
            NetFormat::Json => net::as_json(&facts, &name, &problems),
        }
    };
    output::print(&text)?;
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Every project of the machine. Records of others than `own` that cannot be read are theirs to complain about.
fn projects(context: &Context, machine: &[Owned], own: &ProjectName) -> Result<Vec<Project>, CliError> {
    let mut projects = Vec::new();
    for name in context.layout.project_names()? {
        match project(context, machine, name.clone()) {
            Ok(project) => projects.push(project),
            Err(error) if name == *own => return Err(error),
            Err(_) => {}
        }
    }
    Ok(projects)
}

fn project(context: &Context, machine: &[Owned], name: ProjectName) -> Result<Project, CliError> {
    let paths = context.layout.project(&name);
    let mut containers = Vec::new();
    for record in paths.read_containers()? {
        let at = paths.container(&record.id);
        let running = Handle::adopt(at.run())?.is_some();
        containers.push((record, at.read_state()?, running));
    }
    containers.sort_by(|(one, ..), (other, ..): &(Record, _, _)| one.name.cmp(&other.name));
    let mut networks = paths.read_networks()?;
    for endpoint in containers.iter().flat_map(|(record, ..)| &record.endpoints) {
        let is_it = |(_, record): &&Owned| Some(&record.name) == endpoint.external.as_ref();
        let known = networks.iter().any(|record| record.key == endpoint.network);
        if let Some((_, record)) = machine.iter().find(is_it).filter(|_| !known) {
            networks.push(NetworkRecord { key: endpoint.network.clone(), ..record.clone() });
        }
    }
    Ok(Project { networks, name, containers })
}

fn gather(networks: Vec<Owned>, projects: &[Project]) -> Facts {
    let ids: Vec<String> = networks.iter().map(|(_, record)| record.id()).collect();
    let mut facts = Facts { networks, containers: Vec::new() };
    for project in projects {
        for (record, state, running) in &project.containers {
            let place = |endpoint: &crate::state::EndpointRecord| {
                let id = project.networks.iter().find(|network| network.key == endpoint.network)?.id();
                Some(Endpoint {
                    network: ids.iter().position(|known| *known == id)?,
                    addresses: endpoint.addresses.clone(),
                    interface: endpoint.interface.clone(),
                    names: endpoint.names.clone(),
                })
            };
            let ports = Published::of(&project.networks, &Running { record, ports: &state.ports });
            let link = |text: &String| {
                let (service, alias) = text.split_once(':').unwrap_or((text, text));
                (alias.to_owned(), service.to_owned())
            };
            facts.containers.push(Container {
                project: project.name.clone(),
                service: record.service.clone(),
                id: record.id.clone(),
                name: record.name.clone(),
                running: *running,
                place: whose(projects, project, record),
                endpoints: record.endpoints.iter().filter_map(place).collect(),
                ports: if *running { ports } else { Vec::new() },
                links: record.config.service.links.iter().map(link).collect(),
            });
        }
    }
    facts
}

/// Whose network a container has.
fn whose(projects: &[Project], project: &Project, record: &Record) -> Place {
    let service = &record.config.service;
    if service.network_mode == Some(NetworkMode::Host) {
        return Place::Host;
    }
    let everybody = || projects.iter().flat_map(|project| &project.containers);
    let found: Option<ContainerId> = match service.network_of() {
        None => return Place::Own,
        Some(Peer::Service(name)) => {
            let of_service = project.containers.iter().filter(|(other, ..)| other.service == *name);
            let first = of_service.min_by_key(|(other, _, running)| (!*running, other.number));
            first.map(|(other, ..)| other.id.clone())
        }
        Some(Peer::Container(name)) => {
            let is_called = |other: &Record| {
                other.name.as_str() == name || (name.len() >= 4 && other.id.as_str().starts_with(name))
            };
            everybody().find(|(other, ..)| is_called(other)).map(|(other, ..)| other.id.clone())
        }
    };
    Place::Shared(found)
}

/// What the kernel has otherwise than it was made for the containers that run: without any, nothing has to be there.
fn problems(project: &Project) -> Result<Vec<Problem>, CliError> {
    let running = project.containers.iter().filter(|(.., running)| *running);
    let running: Vec<_> = running.map(|(record, state, _)| Running { record, ports: &state.ports }).collect();
    let system = |error: &dyn std::error::Error| CliError::from(Failure::from_error(FailureKind::System, error));
    if project.networks.is_empty() || running.iter().all(|of| of.record.endpoints.is_empty()) {
        return Ok(Vec::new());
    }
    let expected = blueprint(&project.name, &project.networks, &running)?;
    let cables: Vec<_> = expected.cables.iter().map(|laid| &laid.cable).collect();
    let mut problems = Vec::new();
    for damage in network::examine(&expected.firewall, &cables).map_err(|error| system(&error))? {
        let is_of = |link: &str| {
            let laid = expected.cables.iter().filter(move |laid: &&Laid| laid.cable.host_interface() == Some(link));
            let owner = |laid: &Laid| Owner {
                container: laid.container.to_string(),
                service: laid.service.to_string(),
                network: laid.network.clone(),
            };
            laid.map(owner).collect::<Vec<_>>()
        };
        let owners = damage.link().map(is_of).unwrap_or_default();
        problems.push(Problem::of_damage(&damage, &owners));
    }
    let families = [IpFamily::V4, IpFamily::V6].into_iter();
    let families: Vec<_> =
        families.filter(|family| expected.firewall.bridges.iter().any(|bridge| bridge.has(*family))).collect();
    let mut foreign = network::foreign_firewalls().map_err(|error| system(&error))?;
    if running.iter().any(|of| of.record.config.service.names_host()) {
        foreign.extend(network::foreign_input_firewalls().map_err(|error| system(&error))?);
    }
    let foreign = foreign.iter().filter(|firewall| families.iter().any(|family| firewall.is_of(*family)));
    problems.extend(foreign.map(Problem::of_firewall));
    Ok(problems)
}
