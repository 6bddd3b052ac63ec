//! `/etc/hosts`, `/etc/hostname` and `/etc/resolv.conf` of a container.

use std::fmt::Write as _;
use std::fs::Permissions;
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::failure::Failure;
use super::lower::hostname;
use super::observe::Record;
use super::world::World;
use crate::compose::model::{NetworkMode, Service};
use crate::network::ResolvConf;
use crate::state::EndpointRecord;

/// The file that becomes `/etc/hosts`.
pub(super) const HOSTS: &str = "hosts";
/// The file that becomes `/etc/hostname`.
pub(super) const HOSTNAME: &str = "hostname";
/// The file that becomes `/etc/resolv.conf`.
pub(super) const RESOLV_CONF: &str = "resolv.conf";

/// Writes the files of a container whose run directory exists.
pub(super) fn write(world: &World, record: &Record) -> Result<(), Failure> {
    let paths = world.paths.container(&record.id);
    let network = record.endpoints.first().and_then(|endpoint| world.network(&endpoint.network));
    let gateways: Vec<IpAddr> =
        network.iter().flat_map(|network| network.pools.iter().filter_map(|pool| pool.gateway)).collect();
    let name = hostname(&record.config.service, &record.id, &world.host_name);
    let resolv_conf = match &record.config.service.network_mode {
        None => {
            let Service { dns_search, dns_opt, .. } = &record.config.service;
            resolv_conf(dns_search, dns_opt, &world.resolv_conf.borrow())
        }
        Some(NetworkMode::None) => "# This container has no network.\n".to_owned(),
        // The machine's own. Who shares a network with another container is given that one's file instead.
        Some(_) => fs_err::read_to_string("/etc/resolv.conf").unwrap_or_default(),
    };
    write_public(&paths.etc(HOSTS), &hosts(record, name, &gateways))?;
    write_public(&paths.etc(HOSTNAME), &format!("{name}\n"))?;
    write_public(&paths.etc(RESOLV_CONF), &resolv_conf)?;
    Ok(())
}

/// Adds a new place of a running container to its `/etc/hosts`, which it may have changed.
pub(super) fn connected(world: &World, record: &Record, endpoint: &EndpointRecord) -> io::Result<()> {
    let name = hostname(&record.config.service, &record.id, &world.host_name);
    let names = own_names(name, record.config.service.domainname.as_deref());
    let path = world.paths.container(&record.id).etc(HOSTS);
    let text = without(&fs_err::read_to_string(&path)?, &endpoint.addresses);
    // In place: the container has this very file.
    fs_err::write(&path, endpoint.addresses.iter().fold(text, |text, address| format!("{text}{address}\t{names}\n")))
}

/// Takes a place that a running container has no more out of its `/etc/hosts`.
pub(super) fn disconnected(world: &World, record: &Record, endpoint: &EndpointRecord) -> io::Result<()> {
    let path = world.paths.container(&record.id).etc(HOSTS);
    let text = without(&fs_err::read_to_string(&path)?, &endpoint.addresses);
    fs_err::write(&path, text)
}

/// A file of hosts without the lines of `addresses`.
fn without(text: &str, addresses: &[IpAddr]) -> String {
    let address = |line: &str| line.split_whitespace().next().and_then(|first| first.parse::<IpAddr>().ok());
    let stays = |line: &&str| address(line).is_none_or(|address| !addresses.contains(&address));
    text.lines().filter(stays).map(|line| format!("{line}\n")).collect()
}

/// Writes a file that every user of the container may read.
pub(super) fn write_public(path: &Path, text: &str) -> io::Result<()> {
    fs_err::write(path, text)?;
    fs_err::set_permissions(path, Permissions::from_mode(0o644))
}

fn hosts(record: &Record, name: &str, gateways: &[IpAddr]) -> String {
    let mut text = String::from("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
    for (host, addresses) in &record.config.service.extra_hosts.0 {
        for address in addresses {
            for address in of_host(address, gateways) {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "{address}\t{host}");
            }
        }
    }
    let names = own_names(name, record.config.service.domainname.as_deref());
    for address in record.endpoints.iter().flat_map(|endpoint| &endpoint.addresses) {
        let _ = writeln!(text, "{address}\t{names}");
    }
    if record.endpoints.is_empty() {
        let _ = writeln!(text, "127.0.1.1\t{names}");
    }
    text
}

/// What an address of `extra_hosts` means: `host-gateway` is this machine, as the container's first network knows it, in
/// each family that the network has.
fn of_host(address: &str, gateways: &[IpAddr]) -> Vec<String> {
    if address != "host-gateway" {
        return vec![address.to_owned()];
    }
    let of = |is_ipv4| gateways.iter().find(|gateway| gateway.is_ipv4() == is_ipv4);
    let addresses: Vec<String> = [true, false].into_iter().filter_map(of).map(ToString::to_string).collect();
    if addresses.is_empty() { vec!["127.0.0.1".to_owned()] } else { addresses }
}

/// The names of a container in its own `/etc/hosts`, the qualified one first: of a host name with dots, the part before
/// them is one too.
fn own_names(name: &str, domain: Option<&str>) -> String {
    let qualified = domain.map_or_else(|| name.to_owned(), |domain| format!("{name}.{domain}"));
    match qualified.split_once('.') {
        Some((short, _)) => format!("{qualified} {short}"),
        None => qualified,
    }
}

/// What a service does not say is as on the machine, but for the servers: they are behind ours.
pub(super) fn resolv_conf(search: &[String], options: &[String], machine: &ResolvConf) -> String {
    let mut text = String::from("nameserver 127.0.0.11\n");
    let search = if search.is_empty() { &machine.search } else { search };
    // The root alone stands for no domain at all.
    if !search.is_empty() && search != ["."] {
        let _ = writeln!(text, "search {}", search.join(" "));
    }
    let mut options = if options.is_empty() { machine.options.clone() } else { options.to_vec() };
    if !options.iter().any(|option| option.starts_with("ndots:")) {
        // A service name is tried as it is before any search domain is put behind it.
        options.push("ndots:0".to_owned());
    }
    let _ = writeln!(text, "options {}", options.join(" "));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_service_does_not_say_is_as_on_the_machine() {
        let machine = ResolvConf::parse("nameserver 10.0.0.1\nsearch lan\noptions edns0 trust-ad\n");
        let bare = ResolvConf::parse("");
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        for (machine, search, options, expect) in [
            (&bare, &[][..], &[][..], "options ndots:0\n"),
            (&machine, &[], &[], "search lan\noptions edns0 trust-ad ndots:0\n"),
            (&machine, &["a", "b"], &["timeout:3"], "search a b\noptions timeout:3 ndots:0\n"),
            (&machine, &["."], &["ndots:2"], "options ndots:2\n"),
        ] {
            let text = resolv_conf(&texts(search), &texts(options), machine);
            assert_eq!(text, format!("nameserver 127.0.0.11\n{expect}"));
        }
    }

    #[test]
    fn the_lines_of_an_address_go_and_all_others_stay() {
        let text = "127.0.0.1\tlocalhost\n10.0.0.2\tweb\n# 10.0.0.2\n10.0.0.22 mine\n";
        let left = "127.0.0.1\tlocalhost\n# 10.0.0.2\n10.0.0.22 mine\n";
        assert_eq!(without(text, &["10.0.0.2".parse().unwrap()]), left);
    }

    #[test]
    fn names_of_the_container_itself() {
        for (name, domain, expected) in [
            ("front", None, "front"),
            ("front", Some("example.org"), "front.example.org front"),
            ("front.example.org", None, "front.example.org front"),
        ] {
            assert_eq!(own_names(name, domain), expected);
        }
    }
}
