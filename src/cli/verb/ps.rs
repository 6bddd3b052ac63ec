//! `rcompose ps`: from the records on disk alone, so that it needs no supervisor.

use std::collections::BTreeSet;
use std::process::ExitCode;

use jiff::Timestamp;

use crate::cli::args::PsArgs;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output;
use crate::cli::ps::{self, Length, Publisher, Row, State};
use crate::cli::select::{check_known, is_one_off, services};
use crate::compose::LoadError;
use crate::compose::model::Mount;
use crate::name::{ProjectName, ServiceName};
use crate::runtime::Handle;
use crate::state::{ContainerLayout, ContainerRecord, ContainerState, NetworkRecord};
use crate::supervisor::{Ended, Outline, ended, health};

pub(in crate::cli) fn run(context: &Context, args: &PsArgs) -> Result<ExitCode, CliError> {
    context.require_root()?;
    let project = context.resolve_name()?;
    let records = context.layout.project(&project).read_containers::<Outline>()?;
    check_known(context, &args.of_services, &services(&records))?;
    let declared = if args.orphans { None } else { declared(context)? };
    let networks = context.layout.project(&project).read_networks()?;
    let mut rows = Vec::new();
    for record in records {
        let is_named = args.of_services.is_empty() || args.of_services.contains(&record.service);
        let is_orphan = declared.as_ref().is_some_and(|declared| !declared.contains(&record.service));
        if is_named && !is_orphan && (args.all || !is_one_off(&record.labels)) {
            rows.push(row(context, &project, &networks, &record)?);
        }
    }
    rows.retain(|row| args.lists(row.state.name()));
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    let length = if args.no_trunc { Length::Full } else { Length::Short };
    let now = Timestamp::now();
    output::print(&match () {
        () if args.quiet => ps::as_ids(&rows),
        () if args.services => ps::as_services(&rows),
        () => ps::as_list(&rows, &args.format, now, length)?,
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The services of the Compose file, those of all profiles; `None` when there is no file to tell.
fn declared(context: &Context) -> Result<Option<BTreeSet<ServiceName>>, CliError> {
    let mut options = context.load_options(&[])?;
    options.profiles = vec!["*".to_owned()];
    match context.load_with(&options) {
        Ok(loaded) => Ok(Some(loaded.project.services.into_keys().collect())),
        Err(CliError::Load(LoadError::NoFile { .. })) if context.project_name().is_some() => Ok(None),
        Err(error) => Err(error),
    }
}

fn row(
    context: &Context,
    project: &ProjectName,
    networks: &[NetworkRecord],
    record: &ContainerRecord<Outline>,
) -> Result<Row, CliError> {
    let paths = context.layout.project(project).container(&record.id);
    let state = paths.read_state()?;
    let network = |key| networks.iter().find(|network| network.key == key).map(|network| network.name.clone());
    let mount = |mount: &Mount| match mount {
        Mount::Bind { source, .. } => Some(source.display().to_string()),
        Mount::Volume { source: Some(key), .. } => record.config.volumes.get(key).cloned(),
        Mount::Image { source, .. } => Some(source.to_string()),
        Mount::Volume { source: None, .. } | Mount::Tmpfs(_) | Mount::Foreign { .. } => None,
    };
    Ok(Row {
        id: record.id.clone(),
        name: record.name.clone(),
        image: record.image.to_string(),
        command: command_line(&record.command),
        project: project.clone(),
        service: record.service.clone(),
        created: record.created_at,
        ports: publishers(&state),
        labels: record.labels.clone(),
        networks: record.endpoints.iter().filter_map(|endpoint| network(endpoint.network.clone())).collect(),
        mounts: record.config.service.mounts().iter().filter_map(mount).collect(),
        state: self::state(&paths, &state)?,
    })
}

/// As docker shows a command: what has spaces in quotes.
fn command_line(command: &[String]) -> String {
    let word = |word: &String| if word.contains(' ') { format!("'{word}'") } else { word.clone() };
    command.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// What a container is doing.
pub(in crate::cli) fn state(paths: &ContainerLayout, state: &ContainerState) -> Result<State, CliError> {
    Ok(match Handle::adopt(paths.run())? {
        Some(handle) => {
            let (since, health) = (handle.started_at(), health(state));
            // One that cannot be asked runs all the same.
            if handle.is_paused().unwrap_or(false) {
                State::Paused { since, health }
            } else {
                State::Running { since, health }
            }
        }
        None => match ended(paths, state) {
            Some(Ended { code, at, .. }) if state.restarting => State::Restarting { code, at },
            Some(Ended { code, oom, at }) => State::Exited { code, oom, at },
            None => State::Created,
        },
    })
}

fn publishers(state: &ContainerState) -> Vec<Publisher> {
    let publisher = |port: &crate::state::PublishedPort, nth| Publisher {
        url: port.host_ip.to_string(),
        target: port.target.saturating_add(nth),
        published: Some(port.host_port.saturating_add(nth)),
        protocol: port.protocol.clone(),
    };
    state.ports.iter().flat_map(|port| (0..port.count).map(move |nth| publisher(port, nth))).collect()
}
