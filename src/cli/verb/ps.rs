//! `rcompose ps`: from the records on disk alone, so that it needs no supervisor.

use std::process::ExitCode;

use jiff::Timestamp;

use crate::cli::args::{PsArgs, PsFormat};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output;
use crate::cli::ps::{self, Length, Publisher, Row, State, StateName};
use crate::cli::select::{check_known, services};
use crate::compose::model::Mount;
use crate::name::ProjectName;
use crate::runtime::Handle;
use crate::state::ContainerState;
use crate::supervisor::{Configuration, Ended, Record, ended, health};

pub(in crate::cli) fn run(context: &Context, args: &PsArgs) -> Result<ExitCode, CliError> {
    context.require_root()?;
    let project = context.resolve_name()?;
    let records = context.layout.project(&project).read_containers::<Configuration>()?;
    check_known(context, &args.of_services, &services(&records))?;
    let mut rows = Vec::new();
    for record in records {
        let is_named = args.of_services.is_empty() || args.of_services.contains(&record.service);
        if is_named {
            rows.push(row(context, &project, &record)?);
        }
    }
    let is_shown = |row: &Row| match &args.status[..] {
        [] => args.all || matches!(row.state.name(), StateName::Running | StateName::Restarting),
        states => states.contains(&row.state.name()),
    };
    rows.retain(is_shown);
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    let length = if args.no_trunc { Length::Full } else { Length::Short };
    let now = Timestamp::now();
    output::print(&match args.format {
        _ if args.quiet => ps::as_ids(&rows),
        _ if args.services => ps::as_services(&rows),
        PsFormat::Table => ps::as_table(&rows, now, length),
        PsFormat::Json => ps::as_json(&rows, now, length),
    })?;
    Ok(ExitCode::SUCCESS)
}

fn row(context: &Context, project: &ProjectName, record: &Record) -> Result<Row, CliError> {
    let paths = context.layout.project(project).container(&record.id);
    let state = paths.read_state()?;
    let networks = context.layout.project(project).read_networks()?;
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
        command: record.command.join(" "),
        project: project.clone(),
        service: record.service.clone(),
        created: record.created_at,
        ports: publishers(&state),
        labels: record.labels.clone(),
        networks: record.endpoints.iter().filter_map(|endpoint| network(endpoint.network.clone())).collect(),
        mounts: record.config.service.mounts().iter().filter_map(mount).collect(),
        state: match Handle::adopt(paths.run())? {
            Some(handle) => State::Running { since: handle.started_at(), health: health(&state) },
            None => match ended(&paths, &state) {
                Some(Ended { code, at, .. }) if state.restarting => State::Restarting { code, at },
                Some(Ended { code, oom, at }) => State::Exited { code, oom, at },
                None => State::Created,
            },
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
