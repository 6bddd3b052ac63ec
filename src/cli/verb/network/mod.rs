//! `rcompose network`.

mod connect;
mod create;
pub(in crate::cli) mod remove;
mod show;

use std::process::ExitCode;

use serde::de::IgnoredAny;

use crate::cli::args::{NetworkArgs, NetworkVerb};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::network::{Member, Shown};
use crate::runtime::Handle;
use crate::state::{Layout, NetworkRecord};

pub(in crate::cli) async fn run(context: &Context, args: NetworkArgs) -> Result<ExitCode, CliError> {
    context.require_root()?;
    match args.verb {
        NetworkVerb::Ls(ls) => show::ls(context, &ls),
        NetworkVerb::Inspect(inspect) => show::inspect(context, &inspect),
        NetworkVerb::Create(create) => create::run(context, create),
        NetworkVerb::Connect(args) => connect::connect(context, args).await,
        NetworkVerb::Disconnect(args) => connect::disconnect(context, args).await,
        NetworkVerb::Rm(rm) => remove::rm(context, &rm).await,
        NetworkVerb::Prune(prune) => remove::prune(context, &prune).await,
    }
}

/// Every network of the machine with the containers on it, by name.
pub(super) fn networks(layout: &Layout) -> Result<Vec<Shown>, CliError> {
    let networks = layout.networks()?.into_iter();
    let mut shown: Vec<Shown> = networks.map(|(owner, record)| Shown { owner, record, members: Vec::new() }).collect();
    for project in layout.project_names()? {
        let paths = layout.project(&project);
        let known = paths.read_networks()?;
        for container in paths.read_containers::<IgnoredAny>()? {
            let running = Handle::adopt(paths.container(&container.id).run())?.is_some();
            for endpoint in container.endpoints {
                let own = known.iter().find(|record| record.key == endpoint.network).map(NetworkRecord::id);
                let is_it = |shown: &&mut Shown| match &endpoint.external {
                    Some(name) => shown.record.name == *name,
                    None => own.as_ref().is_some_and(|own| shown.record.id() == *own),
                };
                let Some(network) = shown.iter_mut().find(is_it) else { continue };
                network.members.push(Member {
                    project: project.clone(),
                    service: container.service.clone(),
                    id: container.id.clone(),
                    name: container.name.clone(),
                    running,
                    endpoint,
                });
            }
        }
    }
    Ok(shown)
}

/// The one of `networks` that `text` names: by name rather than by id.
fn find<'a>(networks: &'a [Shown], text: &str) -> Result<&'a Shown, CliError> {
    let named: Vec<&Shown> = networks.iter().filter(|network| network.record.name == text).collect();
    let found =
        if named.is_empty() { networks.iter().filter(|network| network.is_called(text)).collect() } else { named };
    match found[..] {
        [network] => Ok(network),
        [] => Err(CliError::NoSuchNetwork { network: text.to_owned() }),
        _ => Err(CliError::AmbiguousNetwork { network: text.to_owned(), count: found.len() }),
    }
}
