//! `rcompose network`: the flags of `docker network`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::compose::model::Prefix;

/// The verbs of `network`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct NetworkArgs {
    /// What to do
    #[command(subcommand)]
    pub verb: NetworkVerb,
}

/// The verbs.
#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand)]
pub enum NetworkVerb {
    /// List the networks of all projects, and those of none
    #[command(visible_alias = "list")]
    Ls(NetworkLsArgs),
    /// Show networks with the containers on them
    Inspect(NetworkInspectArgs),
    /// Make a network that belongs to no project
    Create(NetworkCreateArgs),
    /// Put a container on a network, running or not
    Connect(NetworkConnectArgs),
    /// Take a container off a network
    Disconnect(NetworkDisconnectArgs),
    /// Remove networks that no container is on
    #[command(visible_alias = "remove")]
    Rm(NetworkRmArgs),
    /// Remove every network that no container is on
    Prune(NetworkPruneArgs),
}

/// The flags of `network ls`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct NetworkLsArgs {
    /// Print only ids
    #[arg(short, long)]
    pub quiet: bool,
    /// Do not shorten ids
    #[arg(long)]
    pub no_trunc: bool,
    /// `driver=`, `id=`, `label=`, `name=`, `scope=`, `type=` or `dangling=`; repeatable
    #[arg(short, long, value_name = "FILTER")]
    pub filter: Vec<String>,
    /// `table`, `json`, or a template of Go, after `table ` as columns
    #[arg(long, value_name = "FORMAT", default_value = "table", hide_default_value = true)]
    pub format: String,
}

/// The flags of `network inspect`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct NetworkInspectArgs {
    /// `json`, or a template of Go
    #[arg(short, long, value_name = "FORMAT")]
    pub format: Option<String>,
    /// Show more, where there is more
    #[arg(short, long, hide = true)]
    pub verbose: bool,
    /// Names or ids
    #[arg(value_name = "NETWORK", required = true)]
    pub networks: Vec<String>,
}

/// The flags of `network create`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct NetworkCreateArgs {
    /// `bridge`, `macvlan` or `ipvlan`
    #[arg(short, long, value_name = "DRIVER", default_value = "bridge")]
    pub driver: String,
    /// Addresses of the network, `10.1.2.0/24`; repeatable [default: free ones]
    #[arg(long, value_name = "SUBNET")]
    pub subnet: Vec<Prefix>,
    /// Address of the way out, in one of the subnets; repeatable
    #[arg(long, value_name = "ADDRESS")]
    pub gateway: Vec<IpAddr>,
    /// The part of a subnet that addresses are given out from; repeatable
    #[arg(long, value_name = "SUBNET")]
    pub ip_range: Vec<Prefix>,
    /// An address that somebody outside has; repeatable
    #[arg(long = "aux-address", value_name = "NAME=ADDRESS")]
    pub aux_addresses: Vec<String>,
    /// Lead nowhere
    #[arg(long)]
    pub internal: bool,
    /// Let containers attach by hand, as they may in any case
    #[arg(long)]
    pub attachable: bool,
    /// Give addresses of IPv4 [default: true]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub ipv4: Option<bool>,
    /// Give addresses of IPv6
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub ipv6: Option<bool>,
    /// Option of the driver; repeatable
    #[arg(short, long = "opt", value_name = "NAME=VALUE")]
    pub options: Vec<String>,
    /// Label; repeatable
    #[arg(long = "label", value_name = "NAME=VALUE")]
    pub labels: Vec<String>,
    /// What it shall be called
    #[arg(value_name = "NETWORK")]
    pub name: String,
}

/// The flags of `network connect`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct NetworkConnectArgs {
    /// Further name on that network; repeatable
    #[arg(long = "alias", value_name = "NAME")]
    pub aliases: Vec<String>,
    /// Address of IPv4 [default: a free one]
    #[arg(long, value_name = "ADDRESS")]
    pub ip: Option<Ipv4Addr>,
    /// Address of IPv6 [default: a free one]
    #[arg(long, value_name = "ADDRESS")]
    pub ip6: Option<Ipv6Addr>,
    /// Further address, for the link alone; repeatable
    #[arg(long = "link-local-ip", value_name = "ADDRESS")]
    pub link_local_ips: Vec<IpAddr>,
    /// Option of the driver; repeatable
    #[arg(long = "driver-opt", value_name = "NAME=VALUE")]
    pub driver_opts: Vec<String>,
    /// The network with the highest leads out
    #[arg(long, value_name = "NUMBER", default_value_t = 0, allow_hyphen_values = true)]
    pub gw_priority: i32,
    /// Name or id
    #[arg(value_name = "NETWORK")]
    pub network: String,
    /// Name or id, or a service of the project here
    #[arg(value_name = "CONTAINER")]
    pub container: String,
}

/// The flags of `network disconnect`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct NetworkDisconnectArgs {
    /// Do not mind if it is not on it
    #[arg(short, long)]
    pub force: bool,
    /// Name or id
    #[arg(value_name = "NETWORK")]
    pub network: String,
    /// Name or id, or a service of the project here
    #[arg(value_name = "CONTAINER")]
    pub container: String,
}

/// The flags of `network rm`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct NetworkRmArgs {
    /// Do not mind those that do not exist
    #[arg(short, long)]
    pub force: bool,
    /// Names or ids
    #[arg(value_name = "NETWORK", required = true)]
    pub networks: Vec<String>,
}

/// The flags of `network prune`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct NetworkPruneArgs {
    /// Do not ask
    #[arg(short, long)]
    pub force: bool,
    /// `until=` or `label=`, also `label!=`; repeatable
    #[arg(long, value_name = "FILTER")]
    pub filter: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Command;
    use crate::cli::args::tests::parse;

    fn verb(line: &str) -> NetworkVerb {
        let Command::Network(network) = parse(line).unwrap().command else { panic!() };
        network.verb
    }

    #[test]
    fn create_takes_the_flags_of_docker() {
        let NetworkVerb::Create(create) = verb(
            "network create -d macvlan --subnet 10.1.0.0/24 --subnet fd01::/64 --gateway 10.1.0.9 --ip-range 10.1.0.128/25 \
             --aux-address host=10.1.0.5 --internal --attachable --ipv6 --ipv4=false -o parent=eth0 --opt a=b \
             --label x=y lab",
        ) else {
            panic!()
        };
        assert_eq!((create.driver.as_str(), create.subnet.len(), create.gateway.len()), ("macvlan", 2, 1));
        assert_eq!((create.ipv4, create.ipv6, create.internal), (Some(false), Some(true), true));
        assert_eq!(create.options, ["parent=eth0", "a=b"]);
        assert_eq!(create.name, "lab");
        assert!(parse("network create --subnet 10.1.0.0 lab").unwrap_err().contains("is not a subnet"));
    }

    #[test]
    fn verbs_have_the_other_names_that_docker_gives_them() {
        assert!(matches!(verb("network list -q"), NetworkVerb::Ls(NetworkLsArgs { quiet: true, .. })));
        assert!(matches!(verb("network remove -f a b"), NetworkVerb::Rm(args) if args.networks == ["a", "b"]));
        assert!(parse("network inspect").is_err());
    }
}
