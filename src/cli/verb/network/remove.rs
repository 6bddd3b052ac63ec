//! `network rm` and `network prune`.

use std::process::ExitCode;

use jiff::Timestamp;

use super::{find, networks};
use crate::cli::args::{NetworkPruneArgs, NetworkRmArgs};
use crate::cli::confirm::confirmed;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::network::{Filter, Shown};
use crate::cli::output;
use crate::supervisor::{Client, Event, Request, remove_network};

const QUESTION: &str =
    "WARNING! This will remove all networks that no container is on.\nAre you sure you want to continue? [y/N] ";

const FILTERS: &[&str] = &["label", "label!", "until"];

pub(super) async fn rm(context: &Context, args: &NetworkRmArgs) -> Result<ExitCode, CliError> {
    let networks = networks(&context.layout)?;
    let mut failed = None;
    for text in &args.networks {
        let removed = match find(&networks, text) {
            Ok(network) => remove(context, network).await,
            Err(CliError::NoSuchNetwork { .. }) if args.force => continue,
            Err(error) => Err(error),
        };
        match removed {
            Ok(()) => output::print(&format!("{text}\n"))?,
            // The others are removed all the same, as with docker.
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    failed.map_or(Ok(ExitCode::SUCCESS), Err)
}

pub(super) async fn prune(context: &Context, args: &NetworkPruneArgs) -> Result<ExitCode, CliError> {
    let filter = Filter::parse(&args.filter, FILTERS)?;
    if !args.force && !context.globals.dry_run && !confirmed(QUESTION)? {
        return Ok(ExitCode::SUCCESS);
    }
    let now = Timestamp::now();
    let mut unused = networks(&context.layout)?;
    unused.retain(|network| network.members.is_empty() && filter.admits(network, now));
    let mut text = String::new();
    for network in &unused {
        remove(context, network).await?;
        text.push_str(&format!("{}\n", network.record.name));
    }
    if !text.is_empty() {
        output::print(&format!("Deleted Networks:\n{text}\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Removes a network: one of a project by its supervisor, which may be at work on it.
async fn remove(context: &Context, network: &Shown) -> Result<(), CliError> {
    if context.globals.dry_run {
        return Ok(());
    }
    let Some(project) = &network.owner else { return Ok(remove_network(&context.layout, &network.record)?) };
    let request = Request::RemoveNetwork { network: network.record.key.clone() };
    let client = Client::request(&context.layout, project, &request).await?;
    finish(context, client).await
}

/// Waits for the end of a request that takes no time worth showing.
pub(in crate::cli) async fn finish(context: &Context, mut client: Client) -> Result<(), CliError> {
    loop {
        match client.next().await? {
            Some(Event::Warning(message)) => output::warn(output::paint(&context.globals), &message),
            Some(
                Event::Progress { .. }
                | Event::Container(_)
                | Event::Hook { .. }
                | Event::Died(_)
                | Event::Happened(_)
                | Event::Held(_)
                | Event::Timed(_)
                | Event::Waiting(_),
            ) => {}
            Some(Event::Failed(failures)) => return Err(CliError::Failed { failures }),
            Some(Event::Done) => return Ok(()),
            None => return Err(crate::supervisor::ClientError::Lost { project: client.project().clone() }.into()),
        }
    }
}
