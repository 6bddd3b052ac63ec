//! `rcompose port`: where a port of a service is published, from the records on disk.

use std::net::SocketAddr;
use std::process::ExitCode;

use crate::cli::args::PortArgs;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output;
use crate::cli::select::{check_known, running_container, services};
use crate::state::PublishedPort;
use crate::supervisor::Configuration;

pub(in crate::cli) fn run(context: &Context, args: &PortArgs) -> Result<ExitCode, CliError> {
    context.require_root()?;
    let paths = context.layout.project(&context.resolve_name()?);
    let records = paths.read_containers::<Configuration>()?;
    check_known(context, std::slice::from_ref(&args.service), &services(&records))?;
    let record = running_container(&paths, records, &args.service, args.index)?;
    let ports = paths.container(&record.id).read_state()?.ports;
    match published(&ports, args.port, &args.protocol) {
        Some(address) => output::print(&format!("{address}\n"))?,
        None => {
            let published = ports.iter().map(|port| format!("{}/{}", port.host_port, port.protocol)).collect();
            return Err(CliError::NoSuchPort {
                port: args.port,
                protocol: args.protocol.clone(),
                container: record.name,
                published,
            });
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Where the host has a port of the container: by IPv4 where it has both.
fn published(ports: &[PublishedPort], target: u16, protocol: &str) -> Option<SocketAddr> {
    let meant = ports.iter().filter(|port| port.protocol == protocol);
    let addresses = meant.filter_map(|port| {
        let nth = target.checked_sub(port.target).filter(|nth| *nth < port.count)?;
        Some(SocketAddr::new(port.host_ip, port.host_port.checked_add(nth)?))
    });
    addresses.min_by_key(|address| !address.is_ipv4())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_port() {
        let port = |host_ip: &str, host_port, target, count, protocol: &str| PublishedPort {
            host_ip: host_ip.parse().unwrap(),
            host_port,
            target,
            count,
            protocol: protocol.to_owned(),
        };
        let ports = [
            port("::", 8080, 80, 1, "tcp"),
            port("0.0.0.0", 8080, 80, 1, "tcp"),
            port("127.0.0.1", 5300, 53, 1, "udp"),
            port("::1", 9000, 3000, 10, "tcp"),
        ];
        for (target, protocol, expected) in [
            (80, "tcp", Some("0.0.0.0:8080")),
            (80, "udp", None),
            (53, "udp", Some("127.0.0.1:5300")),
            (3009, "tcp", Some("[::1]:9009")),
            (3010, "tcp", None),
            (2999, "tcp", None),
        ] {
            let found = published(&ports, target, protocol).map(|address| address.to_string());
            assert_eq!(found.as_deref(), expected, "{target}/{protocol}");
        }
    }
}
