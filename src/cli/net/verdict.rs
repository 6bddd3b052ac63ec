//! Whether one container reaches another: the ways there, or what is in the way, each with the rule that says so.

use std::net::IpAddr;

use serde::Serialize;

use super::facts::{Container, Endpoint, Facts, Place};
use super::rules::{cut_off, gateway, has_host, is_vepa, open_subnets, pool, separation};
use crate::name::ProjectName;
use crate::network::IpFamily;
use crate::state::{LinkRecord, NetworkRecord};

/// Whether one container reaches another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The name of the container that asks.
    pub from: String,
    /// That of the one that is to answer.
    pub to: String,
    /// How much of it is reached.
    pub reaches: Reach,
    /// How.
    pub ways: Vec<Way>,
    /// What is in the way; nothing where there is a way.
    pub obstacles: Vec<Obstacle>,
}

/// How much of a container is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reach {
    /// Every port.
    Yes,
    /// Those that are published.
    Ports,
    /// Nothing.
    No,
}

/// A way to a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Way {
    /// In words: `network shop_back`.
    pub by: String,
    /// Where it is reached: addresses, or addresses and ports.
    pub at: Vec<String>,
    /// The names for it.
    pub names: Vec<String>,
    /// What lets packets through.
    pub rule: String,
    /// Whether only published ports are reached.
    #[serde(skip)]
    pub is_port: bool,
}

/// What is in the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Obstacle {
    /// In words.
    pub why: String,
    /// What keeps packets back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// How to allow it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Obstacle {
    pub(super) fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), rule: None, remedy: None }
    }

    pub(super) fn rule(self, rule: impl Into<String>) -> Self {
        Self { rule: Some(rule.into()), ..self }
    }

    pub(super) fn remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }
}

/// Whether `from` reaches `to`.
#[must_use]
pub fn judge(facts: &Facts, from: &Container, to: &Container) -> Verdict {
    let (mut ways, mut obstacles) = (Vec::new(), Vec::new());
    for container in [from, to].into_iter().filter(|container| !container.running) {
        let start = format!("rcompose up -d {}", container.service);
        obstacles.push(Obstacle::new(format!("{} does not run", container.name)).remedy(start));
    }
    match (facts.home(from), facts.home(to)) {
        (Some(one), Some(other)) if obstacles.is_empty() => {
            let pair = Pair { facts, from: one, to: other, asked: to };
            (ways, obstacles) = pair.judge();
        }
        (Some(_), Some(_)) => {}
        homes => {
            let homeless = [(from, homes.0), (to, homes.1)].into_iter().filter(|(_, home)| home.is_none());
            obstacles.extend(homeless.map(|(container, _)| {
                let why = format!("the container whose network {} shares is gone", container.name);
                Obstacle::new(why).remedy(format!("rcompose up -d --force-recreate {}", container.service))
            }));
        }
    }
    let reaches = match &ways[..] {
        [] => Reach::No,
        ways if ways.iter().all(|way| way.is_port) => Reach::Ports,
        _ => Reach::Yes,
    };
    if reaches != Reach::No {
        obstacles.clear();
    }
    Verdict { from: from.name.to_string(), to: to.name.to_string(), reaches, ways, obstacles }
}

/// Two containers that run, as far as networks go: `from` and `to` have the network, `asked` is who was asked about.
struct Pair<'a> {
    facts: &'a Facts,
    from: &'a Container,
    to: &'a Container,
    asked: &'a Container,
}

impl Pair<'_> {
    fn judge(&self) -> (Vec<Way>, Vec<Obstacle>) {
        let Self { from, to, .. } = self;
        if from.id == to.id || (from.place == Place::Host && to.place == Place::Host) {
            let whose = if to.place == Place::Host { "this machine".to_owned() } else { to.name.to_string() };
            let way = Way {
                by: format!("the loopback: both have the network of {whose}"),
                at: vec!["127.0.0.1".to_owned()],
                names: vec!["localhost".to_owned()],
                rule: "one network namespace".to_owned(),
                is_port: false,
            };
            return (vec![way], Vec::new());
        }
        let (mut ways, mut obstacles) = match (&from.place, &to.place) {
            (Place::Host, _) => self.of_host(),
            (_, Place::Host) => self.to_host(),
            _ => self.between(),
        };
        if ways.is_empty() {
            let (ports, closed) = self.ports();
            ways = ports;
            obstacles.extend(closed);
        }
        (ways, obstacles)
    }

    fn network(&self, endpoint: &Endpoint) -> &NetworkRecord {
        self.facts.network(endpoint.network)
    }

    /// The machine is in every network whose bridge has an address.
    fn of_host(&self) -> (Vec<Way>, Vec<Obstacle>) {
        let (mut ways, mut obstacles) = (Vec::new(), Vec::new());
        for endpoint in &self.to.endpoints {
            let network = self.network(endpoint);
            let addresses: Vec<IpAddr> =
                endpoint.addresses.iter().copied().filter(|of| has_host(network, *of)).collect();
            if addresses.is_empty() {
                obstacles.push(cut_off(network));
            } else {
                let rule = format!("this machine is in the network: it has an address on bridge {}", network.bridge);
                ways.push(way(format!("network {}", network.name), &addresses, Vec::new(), rule));
            }
        }
        if self.to.endpoints.is_empty() {
            obstacles.push(Self::nowhere(self.to));
        }
        (ways, obstacles)
    }

    /// This machine answers at the addresses of its bridges.
    fn to_host(&self) -> (Vec<Way>, Vec<Obstacle>) {
        let (mut ways, mut obstacles) = (Vec::new(), Vec::new());
        for endpoint in &self.from.endpoints {
            let network = self.network(endpoint);
            let gateways: Vec<IpAddr> = endpoint.addresses.iter().filter_map(|of| gateway(network, *of)).collect();
            if gateways.is_empty() || network.link != LinkRecord::Bridge {
                obstacles.push(cut_off(network));
            } else {
                let rule = format!(
                    "{} has the network of this machine, whose address on bridge {} this is",
                    self.asked.name, network.bridge
                );
                ways.push(way(format!("network {}", network.name), &gateways, Vec::new(), rule));
            }
        }
        if self.from.endpoints.is_empty() {
            obstacles.push(Self::nowhere(self.from));
        }
        (ways, obstacles)
    }

    /// Both have networks of their own.
    fn between(&self) -> (Vec<Way>, Vec<Obstacle>) {
        let (mut ways, mut obstacles) = (Vec::new(), Vec::new());
        for endpoint in &self.to.endpoints {
            let network = self.network(endpoint);
            if self.from.endpoints.iter().any(|own| own.network == endpoint.network) {
                match separation(network) {
                    Some(obstacle) => obstacles.push(obstacle),
                    None => ways.push(self.shared(endpoint, network)),
                }
            } else {
                ways.extend(self.routed(endpoint, network));
            }
        }
        if ways.is_empty() && obstacles.is_empty() {
            let nowhere = [self.from, self.to].into_iter().filter(|container| container.endpoints.is_empty());
            obstacles.extend(nowhere.map(Self::nowhere));
            if obstacles.is_empty() {
                obstacles.push(self.apart());
            }
        }
        (ways, obstacles)
    }

    /// The way over a network that both are on.
    fn shared(&self, endpoint: &Endpoint, network: &NetworkRecord) -> Way {
        let id = self.to.id.short();
        let names = endpoint.names.iter().filter(|name| *name != id).cloned().collect();
        let rule = match &network.link {
            LinkRecord::Bridge => format!("bridge {} switches between its ports", network.bridge),
            LinkRecord::Macvlan { mode, .. } | LinkRecord::Ipvlan { mode, .. } if is_vepa(network, mode.as_deref()) => {
                format!("{}: by way of the switch outside, if that sends back what it received", network.driver())
            }
            LinkRecord::Macvlan { .. } | LinkRecord::Ipvlan { .. } => {
                format!("{}: links that share one of this machine reach one another", network.driver())
            }
        };
        way(format!("network {}", network.name), &endpoint.addresses, names, rule)
    }

    /// The way into a network that lets everything in.
    fn routed(&self, endpoint: &Endpoint, network: &NetworkRecord) -> Option<Way> {
        let open = |address: &IpAddr| {
            let of = pool(network, *address);
            !network.internal
                && network.link == LinkRecord::Bridge
                && of.is_some_and(|of| of.unprotected)
                && self.from.endpoints.iter().any(|own| {
                    let over = self.network(own);
                    let alike = |own: &IpAddr| IpFamily::of(*own) == IpFamily::of(*address);
                    !over.internal && own.addresses.iter().any(|own| alike(own) && gateway(over, *own).is_some())
                })
        };
        let addresses: Vec<IpAddr> = endpoint.addresses.iter().copied().filter(open).collect();
        let rule = format!(
            "{}: oifname {} ip daddr {} accept",
            chain(&self.to.project, "forward"),
            network.bridge,
            open_subnets(network)
        );
        let by = format!("network {}, which lets everything in (nat-unprotected)", network.name);
        (!addresses.is_empty()).then(|| way(by, &addresses, Vec::new(), rule))
    }

    /// Neither is on a network of the other.
    fn apart(&self) -> Obstacle {
        let Self { from, to, .. } = self;
        let on = |container: &Container| {
            let name = |endpoint: &Endpoint| {
                let network = self.network(endpoint);
                format!("{}{}", network.name, if network.internal { " (internal)" } else { "" })
            };
            container.endpoints.iter().map(name).collect::<Vec<_>>().join(", ")
        };
        let why = format!("no network in common: {} is on {}, {} on {}", from.name, on(from), to.name, on(to));
        let target = self.network(&to.endpoints[0]);
        let obstacle = Obstacle::new(why);
        let internal = from.endpoints.iter().map(|own| self.network(own)).find(|network| network.internal);
        let obstacle = match internal.filter(|network| network.link == LinkRecord::Bridge) {
            Some(own) => obstacle.rule(format!("{}: iifname {} drop", chain(&from.project, "forward"), own.bridge)),
            None if target.link == LinkRecord::Bridge => {
                obstacle.rule(format!("{}: oifname {} drop", chain(&to.project, "forward"), target.bridge))
            }
            None => obstacle,
        };
        if self.facts.networks[to.endpoints[0].network].0.as_ref() == Some(&from.project) {
            let (key, name) = (&target.key, &target.name);
            obstacle.remedy(format!(
                "add `{key}` to the `networks` of {}; until its next `up`: rcompose network connect {name} {}",
                from.service, from.name
            ))
        } else {
            let name = &target.name;
            obstacle.remedy(format!(
                "add {name} to the `networks` of {} as external; until its next `up`: rcompose network connect {name} {}",
                from.service, from.name
            ))
        }
    }

    fn nowhere(container: &Container) -> Obstacle {
        Obstacle::new(format!("{} is on no network", container.name))
            .remedy(format!("give {} `networks` in the file", container.service))
    }

    /// The ways through published ports, and why others are none.
    fn ports(&self) -> (Vec<Way>, Vec<Obstacle>) {
        let (mut ways, mut closed) = (Vec::new(), Vec::new());
        for published in &self.to.ports {
            let port = &published.port;
            let last = port.host_port.saturating_add(port.count.saturating_sub(1));
            let number = if port.count > 1 { format!("{}-{last}", port.host_port) } else { port.host_port.to_string() };
            let named = format!("port {number}/{} of {}", port.protocol, self.to.name);
            if port.host_ip.is_loopback() && self.from.place != Place::Host {
                let why =
                    format!("{named} is published on {}, where only this machine itself reaches it", port.host_ip);
                closed.push(Obstacle::new(why).remedy("publish it on another address, or without one"));
                continue;
            }
            let hosts = self.hosts(port.host_ip, published.forward, published.relay);
            if hosts.is_empty() {
                let why = format!("{named} is published on {}, which {} has no way to", port.host_ip, self.from.name);
                closed.push(Obstacle::new(why));
                continue;
            }
            let rule = match published.forward {
                Some(to) => format!("{}: leads to {to}:{}", chain(&self.to.project, "published"), port.target),
                None => "a relay of the project's supervisor".to_owned(),
            };
            ways.push(Way {
                by: format!("{named}, by way of this machine"),
                at: hosts.into_iter().map(|host| socket(host, &number)).collect(),
                names: Vec::new(),
                rule,
                is_port: true,
            });
        }
        (ways, closed)
    }

    /// The addresses of this machine at which `from` reaches a port that is published on `host`.
    fn hosts(&self, host: IpAddr, forward: Option<IpAddr>, relay: Option<IpAddr>) -> Vec<IpAddr> {
        if self.from.place == Place::Host {
            let loopback = if host.is_ipv6() { "::1" } else { "127.0.0.1" };
            let anywhere = loopback.parse().unwrap_or(host);
            return vec![if host.is_unspecified() { anywhere } else { host }];
        }
        let network_of = |address: IpAddr| {
            let of = self.to.endpoints.iter().find(|endpoint| endpoint.addresses.contains(&address));
            of.map(|endpoint| endpoint.network)
        };
        let target = forward.and_then(network_of);
        let mut hosts = Vec::new();
        for own in self.from.endpoints.iter().filter(|own| self.network(own).link == LinkRecord::Bridge) {
            let network = self.network(own);
            // What is translated is forwarded, and obeys the rules of both networks; a relay is this machine's.
            let forwarded = target.is_some_and(|target| {
                target == own.network || (!network.internal && !self.facts.network(target).internal)
            });
            let alike = own.addresses.iter().filter(|own| own.is_ipv4() == host.is_ipv4());
            let home = alike.filter_map(|own| gateway(network, *own)).next();
            if let Some(gateway) = home.filter(|_| forwarded || relay.is_some()) {
                if host.is_unspecified() || host == gateway {
                    hosts.push(gateway);
                } else if !network.internal {
                    hosts.push(host);
                }
            }
        }
        hosts.sort();
        hosts.dedup();
        hosts
    }
}

fn way(by: String, addresses: &[IpAddr], names: Vec<String>, rule: String) -> Way {
    Way { by, at: addresses.iter().map(ToString::to_string).collect(), names, rule, is_port: false }
}

/// A chain of a project, as a rule is found in `nft list ruleset`.
fn chain(project: &ProjectName, chain: &str) -> String {
    format!("table inet rcompose-{project}, chain {chain}")
}

fn socket(host: IpAddr, port: &str) -> String {
    if host.is_ipv6() { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}
