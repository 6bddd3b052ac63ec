//! `network connect` and `network disconnect`.

use std::process::ExitCode;

use super::{find, networks, remove::finish};
use crate::cli::args::{NetworkConnectArgs, NetworkDisconnectArgs};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output;
use crate::compose::model::Attachment;
use crate::name::{ContainerId, ProjectName, ServiceName};
use crate::state::ContainerRecord;
use crate::supervisor::{Client, Request};
use serde::de::IgnoredAny;

pub(super) async fn connect(context: &Context, args: NetworkConnectArgs) -> Result<ExitCode, CliError> {
    let networks = networks(&context.layout)?;
    let network = find(&networks, &args.network)?;
    let attachment = Attachment {
        aliases: args.aliases,
        ipv4_address: args.ip,
        ipv6_address: args.ip6,
        link_local_ips: args.link_local_ips,
        driver_opts: args.driver_opts.iter().map(|text| pair(text)).collect(),
        gw_priority: args.gw_priority,
        ..Attachment::default()
    };
    for (project, container) in containers(context, &args.container)? {
        let (network, attachment) = (network.record.id(), Box::new(attachment.clone()));
        let request = Request::Connect { container, network, attachment };
        perform(context, &project, &request).await?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn disconnect(context: &Context, args: NetworkDisconnectArgs) -> Result<ExitCode, CliError> {
    let networks = networks(&context.layout)?;
    let network = find(&networks, &args.network)?;
    for (project, container) in containers(context, &args.container)? {
        let is_on = network.members.iter().any(|member| member.id == container);
        if args.force && !is_on {
            continue;
        }
        let request = Request::Disconnect { container, network: network.record.id() };
        perform(context, &project, &request).await?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn perform(context: &Context, project: &ProjectName, request: &Request) -> Result<(), CliError> {
    if context.globals.dry_run {
        let (verb, container) = match request {
            Request::Connect { container, .. } => ("connect", container),
            Request::Disconnect { container, .. } => ("disconnect", container),
            _ => return Ok(()),
        };
        return Ok(output::print(&format!("{verb} container {}\n", container.short()))?);
    }
    finish(context, Client::request(&context.layout, project, request).await?).await
}

/// The container that `text` names: of any project by its name or id, else those of a service of the current one.
fn containers(context: &Context, text: &str) -> Result<Vec<(ProjectName, ContainerId)>, CliError> {
    let mut by_id = Vec::new();
    for project in context.layout.project_names()? {
        let records: Vec<ContainerRecord<IgnoredAny>> = context.layout.project(&project).read_containers()?;
        for record in records {
            if record.name.as_str() == text {
                return Ok(vec![(project, record.id)]);
            }
            if text.len() >= 4 && record.id.as_str().starts_with(text) {
                by_id.push((project.clone(), record.id));
            }
        }
    }
    if by_id.len() == 1 {
        return Ok(by_id);
    }
    let unknown = || CliError::NoSuchContainerName { container: text.to_owned(), known: Vec::new() };
    let service = ServiceName::new(text).map_err(|_| unknown())?;
    let project = context.resolve_name().map_err(|_| unknown())?;
    let records: Vec<ContainerRecord<IgnoredAny>> = context.layout.project(&project).read_containers()?;
    let of_service: Vec<_> = records
        .into_iter()
        .filter(|record| record.service == service)
        .map(|record| (project.clone(), record.id))
        .collect();
    if of_service.is_empty() { Err(unknown()) } else { Ok(of_service) }
}

fn pair(text: &str) -> (String, String) {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    (name.to_owned(), value.to_owned())
}
