//! `network create`: a network that belongs to no project.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::process::ExitCode;

use crate::cli::args::NetworkCreateArgs;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::{kernel, output};
use crate::compose::model::{Ipam, Network, Pool, Prefix};
use crate::supervisor::{Failure, FailureKind, create_network};

pub(super) fn run(context: &Context, args: NetworkCreateArgs) -> Result<ExitCode, CliError> {
    kernel::require()?;
    let paint = output::paint(&context.globals);
    let network = network(args).map_err(|message| CliError::from(Failure::new(FailureKind::Plan, message)))?;
    if context.globals.dry_run {
        output::print(&format!("create network {}\n", network.name))?;
        return Ok(ExitCode::SUCCESS);
    }
    let pools = context.network_settings()?.address_pools;
    let record = create_network(&context.layout, &network, &pools, &|warning| output::warn(paint, warning))?;
    output::print(&format!("{}\n", record.id()))?;
    Ok(ExitCode::SUCCESS)
}

/// The network that the flags describe, as a Compose file would.
fn network(args: NetworkCreateArgs) -> Result<Network, String> {
    if !matches!(args.driver.as_str(), "bridge" | "macvlan" | "ipvlan") {
        return Err(format!("there is no network driver `{}`: it is bridge, macvlan or ipvlan", args.driver));
    }
    let mut pools: Vec<Pool> =
        args.subnet.iter().map(|subnet| Pool { subnet: Some(*subnet), ..Pool::default() }).collect();
    for gateway in args.gateway {
        pool_of(&mut pools, gateway, "gateway")?.gateway = Some(gateway);
    }
    for range in args.ip_range {
        pool_of(&mut pools, range.address, "ip-range")?.ip_range = Some(range);
    }
    for text in &args.aux_addresses {
        let parsed = text.split_once('=').and_then(|(name, address)| Some((name, address.parse::<IpAddr>().ok()?)));
        let (name, address) = parsed.ok_or_else(|| format!("`{text}` is not NAME=ADDRESS"))?;
        pool_of(&mut pools, address, "aux-address")?.aux_addresses.insert(name.to_owned(), address);
    }
    Ok(Network {
        name: args.name,
        driver: Some(args.driver),
        driver_opts: pairs(args.options),
        ipam: Ipam { config: pools, ..Ipam::default() },
        internal: args.internal,
        attachable: args.attachable,
        enable_ipv4: args.ipv4,
        enable_ipv6: args.ipv6,
        labels: pairs(args.labels),
        ..Network::default()
    })
}

fn pool_of<'a>(pools: &'a mut [Pool], address: IpAddr, flag: &str) -> Result<&'a mut Pool, String> {
    let is_in = |pool: &&mut Pool| pool.subnet.as_ref().is_some_and(|subnet: &Prefix| subnet.contains(address));
    pools.iter_mut().find(is_in).ok_or_else(|| format!("no --subnet contains --{flag} {address}"))
}

/// What is left of `=`, and what is right of it.
fn pairs(texts: Vec<String>) -> BTreeMap<String, String> {
    let pair = |text: String| match text.split_once('=') {
        Some((name, value)) => (name.to_owned(), value.to_owned()),
        None => (text, String::new()),
    };
    texts.into_iter().map(pair).collect()
}
