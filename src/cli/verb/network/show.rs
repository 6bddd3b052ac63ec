//! `network ls` and `network inspect`: from the records on disk alone.

use std::process::ExitCode;

use jiff::Timestamp;

use super::{find, networks};
use crate::cli::args::{NetworkInspectArgs, NetworkLsArgs};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::network::{Filter, Shown, as_inspected, as_list, as_short_ids};
use crate::cli::output;

const FILTERS: &[&str] = &["dangling", "driver", "id", "label", "name", "scope", "type"];

pub(super) fn ls(context: &Context, args: &NetworkLsArgs) -> Result<ExitCode, CliError> {
    let filter = Filter::parse(&args.filter, FILTERS)?;
    let mut networks = networks(&context.layout)?;
    networks.retain(|network| filter.admits(network, Timestamp::now()));
    output::print(&if args.quiet {
        as_short_ids(&networks, args.no_trunc)
    } else {
        as_list(&networks, &args.format, args.no_trunc)?
    })?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn inspect(context: &Context, args: &NetworkInspectArgs) -> Result<ExitCode, CliError> {
    let networks = networks(&context.layout)?;
    let (mut found, mut missing) = (Vec::<Shown>::new(), None);
    for text in &args.networks {
        match find(&networks, text) {
            Ok(network) => found.push(network.clone()),
            Err(error) => missing = missing.or(Some(error)),
        }
    }
    // As with docker, what there is is shown before what is missing is told.
    output::print(&as_inspected(&found, args.format.as_deref())?)?;
    missing.map_or(Ok(ExitCode::SUCCESS), Err)
}
