//! The firewall of one project: one nftables table, replaced as a whole and removed as a whole.
//!
//! ```text
//! guard        raw         of or for 127.0.0.0/8? ─▶ looped
//! looped                   drop what came over a bridge, or over any link to a published port
//! prerouting   dstnat      for this machine? ─▶ published
//! output       dstnat      for this machine, but not ::1? ─▶ published
//! published                look (address,) protocol and port up ─▶ the container's address and port
//! forward      filter      into a bridge: replies, what came over it, what was published, be it to the container's own
//!                          address; nothing else
//! postrouting  srcnat      masquerade what leaves a network, and what could not be answered otherwise
//! ```
//!
//! A port published on 127.0.0.1 takes the same way as any other (its bridge has `route_localnet`), so that no proxy
//! is needed and ports outlive the supervisor. The kernel has nothing of the kind for ::1, and does not translate between
//! the families: for these there is the [`Relay`](super::Relay).

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use super::nft::expression::{self as step, ACCEPT, DROP, Expression, FOUND};
use super::nft::{self, Chain, Family, Hook, NftError, Nftables, Table, TableWatch};
use super::port_map;
use super::{Bridge, BridgeSubnet, IpFamily, NetlinkError, PortForward, Subnet, sysctl};

/// Addresses that mean the machine itself.
static LOOPBACK: LazyLock<Subnet> = LazyLock::new(|| Subnet::containing(Ipv4Addr::LOCALHOST, 8));
/// The link that leads to the machine itself.
const LOOPBACK_LINK: &str = "lo";
/// How the names of all our tables begin.
pub(super) const TABLE_PREFIX: &str = "rcompose-";
/// The chain that judges what has to do with 127.0.0.0/8.
const LOOPED: &str = "looped";
/// The chain that looks published ports up.
const PUBLISHED: &str = "published";

/// All that the firewall does for a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firewall {
    /// The name of the project: that of the table is made from it.
    pub project: String,
    /// The project's bridges.
    pub bridges: Vec<Bridge>,
    /// The project's published ports.
    pub forwards: Vec<PortForward>,
}

/// Why the firewall could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum FirewallError {
    /// Packets cannot be routed.
    #[error("cannot turn on {family} forwarding")]
    Forwarding {
        /// Of which kind.
        family: IpFamily,
        /// Names the file.
        source: io::Error,
    },
    /// Ports cannot be reached by 127.0.0.1.
    #[error("cannot let 127.0.0.1 reach the ports published on bridge `{bridge}`")]
    Loopback {
        /// The name of the bridge.
        bridge: String,
        /// Names the file.
        source: io::Error,
    },
    /// The rules could not be set.
    #[error("cannot set the firewall rules of project `{project}`")]
    Apply {
        /// The name of the project.
        project: String,
        /// What went wrong.
        source: NftError,
    },
    /// The rules could not be removed.
    #[error("cannot remove the firewall rules of project `{project}`")]
    Remove {
        /// The name of the project.
        project: String,
        /// What went wrong.
        source: NftError,
    },
}

impl Firewall {
    /// Puts these rules in place of whatever the project had, in the namespace of `nftables` and of the calling thread, in one step:
    /// connections through ports that stay published go on.
    ///
    /// # Errors
    /// [`FirewallError::Forwarding`], [`FirewallError::Apply`]: the old rules are in force after either.
    /// [`FirewallError::Loopback`]: ports are not to be reached by 127.0.0.1.
    pub fn apply(&self, nftables: &mut Nftables) -> Result<(), FirewallError> {
        for family in [IpFamily::V4, IpFamily::V6] {
            if self.bridges.iter().any(|bridge| !bridge.internal && bridge.has(family)) {
                sysctl::enable_forwarding(family).map_err(|source| FirewallError::Forwarding { family, source })?;
            }
        }
        nft::replace(nftables, &self.table())
            .map_err(|source| FirewallError::Apply { project: self.project.clone(), source })?;
        // Only now that the guard stands, and only where there is a use for it: the fewer bridges have it, the fewer
        // lead to the loopback of the machine should somebody flush all rules.
        self.bridges.iter().try_for_each(|bridge| {
            let publishes = self.publishes_on(bridge);
            if bridge.shared && !publishes {
                // Another project may.
                return Ok(());
            }
            sysctl::set_route_localnet(&bridge.name, publishes)
                .map_err(|source| FirewallError::Loopback { bridge: bridge.name.clone(), source })
        })
    }

    /// Whether ports of IPv4 are led to containers on `bridge`.
    pub(super) fn publishes_on(&self, bridge: &Bridge) -> bool {
        let mut translated = self.forwards.iter().filter(|forward| !forward.is_direct());
        translated.any(|to| to.to.is_ipv4() && bridge.subnet_of(to.to.ip()).is_some())
    }

    /// Removes the rules of `project`; it is fine if there are none.
    ///
    /// # Errors
    /// [`FirewallError::Remove`].
    pub fn remove(project: &str, nftables: &mut Nftables) -> Result<(), FirewallError> {
        nft::delete(nftables, Family::Inet, &table_name(project))
            .map_err(|source| FirewallError::Remove { project: project.to_owned(), source })
    }

    /// Begins to watch for changes to the rules of `project` that are not made over `nftables`.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn watch(project: &str, nftables: &Nftables) -> Result<TableWatch, NetlinkError> {
        TableWatch::open(table_name(project), nftables)
    }

    pub(super) fn table(&self) -> Table {
        let base = |name, hook, rules| Chain { name, hook: Some(hook), rules };
        let publish = || vec![[step::destination_is_local(), vec![Expression::Jump(PUBLISHED)]].concat()];
        Table {
            family: Family::Inet,
            name: table_name(&self.project),
            maps: port_map::maps(&self.forwards),
            chains: vec![
                Chain { name: PUBLISHED, hook: None, rules: published() },
                Chain { name: LOOPED, hook: None, rules: self.looped() },
                base("guard", Hook::RAW, Self::guard()),
                base("prerouting", Hook::PREROUTING_NAT, publish()),
                base("output", Hook::OUTPUT_NAT, [vec![not_looped()], publish()].concat()),
                base("forward", Hook::FORWARD, self.forward()),
                base("postrouting", Hook::POSTROUTING_NAT, self.postrouting()),
            ],
        }
    }

    /// `route_localnet` lets 127.0.0.0/8 leave over a bridge, for replies to come back: nothing a container sends may
    /// use it. Replies are not yet translated back here, so that they pass.
    ///
    /// Every packet that the machine receives comes by here, so that few rules are for all of them.
    fn guard() -> Vec<Vec<Expression>> {
        let [to, from] = [step::destination_in(&LOOPBACK), step::source_in(&LOOPBACK)];
        [to, from].map(|loopback| [step::is_ipv4(), loopback, vec![Expression::Jump(LOOPED)]].concat()).into()
    }

    /// What claims to come from 127.0.0.0/8, or wants to.
    fn looped(&self) -> Vec<Vec<Expression>> {
        let over_bridges = self.bridges.iter().map(|bridge| [step::comes_from(&bridge.name), vec![DROP]].concat());
        // Somebody may have set `route_localnet` for all links: what is published on 127.0.0.1 stays this machine's own.
        let from_afar = || [step::comes_from_elsewhere_than(LOOPBACK_LINK), step::destination_in(&LOOPBACK)].concat();
        let published = port_map::lookups(IpFamily::V4, FOUND);
        over_bridges.chain(published.map(|lookup| [from_afar(), lookup, vec![DROP]].concat())).collect()
    }

    /// Accepting here does not overrule another table's drop; dropping here is final.
    fn forward(&self) -> Vec<Vec<Expression>> {
        let mut rules = vec![[step::is_known(), vec![ACCEPT]].concat()];
        for Bridge { name, internal, isolated, .. } in &self.bridges {
            // Between ports of one bridge packets are switched, not routed, unless br_netfilter sends them here too.
            if *isolated {
                // A neighbour's published port is everybody's.
                rules.push([step::comes_from(name), step::goes_to(name), step::was_published(), vec![ACCEPT]].concat());
                rules.push([step::comes_from(name), step::goes_to(name), vec![DROP]].concat());
            } else {
                rules.push([step::comes_from(name), step::goes_to(name), vec![ACCEPT]].concat());
            }
            if *internal {
                rules.push([step::comes_from(name), vec![DROP]].concat());
            }
        }
        for bridge in &self.bridges {
            let Bridge { name, subnets, internal, .. } = bridge;
            if !internal {
                rules.push([step::goes_to(name), step::was_published(), vec![ACCEPT]].concat());
                rules.extend(self.opened(bridge));
                for BridgeSubnet { subnet, .. } in subnets.iter().filter(|of| of.unprotected) {
                    let into = [step::is_of(subnet.family()), step::destination_in(subnet)].concat();
                    rules.push([step::goes_to(name), into, vec![ACCEPT]].concat());
                }
            }
            rules.push([step::goes_to(name), vec![DROP]].concat());
        }
        rules
    }

    /// What is let in to the very addresses of containers on `bridge`.
    fn opened(&self, bridge: &Bridge) -> Vec<Vec<Expression>> {
        let here = self.forwards.iter().filter(|of| of.is_direct() && bridge.subnet_of(of.to.ip()).is_some());
        let open = |of: &PortForward| {
            let address = Subnet::containing(of.to.ip(), IpFamily::of(of.to.ip()).bits());
            let last = of.to.port().saturating_add(of.count.saturating_sub(1));
            [
                step::goes_to(&bridge.name),
                step::is_of(address.family()),
                step::destination_in(&address),
                step::is_transport(of.protocol.number()),
                step::destination_port_between(of.to.port(), last),
                vec![ACCEPT],
            ]
            .concat()
        };
        here.map(open).collect()
    }

    fn postrouting(&self) -> Vec<Vec<Expression>> {
        let mut rules = Vec::new();
        for Bridge { name, subnets, internal, .. } in &self.bridges {
            for BridgeSubnet { subnet, masquerade, .. } in subnets {
                let is_ours = [step::is_of(subnet.family()), step::source_in(subnet)].concat();
                if *masquerade && !internal {
                    let leaves = step::goes_elsewhere_than(name);
                    rules.push([is_ours.clone(), leaves, vec![Expression::Masquerade]].concat());
                }
                // A container that uses a published port of its own network would be answered directly by an address
                // that it did not ask.
                rules
                    .push([is_ours, step::goes_to(name), step::was_published(), vec![Expression::Masquerade]].concat());
            }
            // 127.0.0.1 means something else to whoever answers.
            let loopback = [step::is_ipv4(), step::source_in(&LOOPBACK)].concat();
            rules.push([loopback, step::goes_to(name), step::was_published(), vec![Expression::Masquerade]].concat());
        }
        rules
    }
}

/// What is sent to ::1 stays: nothing could be answered that comes from there. For this there is the relay.
fn not_looped() -> Vec<Expression> {
    let loopback = Subnet::containing(Ipv6Addr::LOCALHOST, 128);
    [step::is_of(IpFamily::V6), step::destination_in(&loopback), vec![ACCEPT]].concat()
}

/// First what is published on the very address, then what is on every one.
fn published() -> Vec<Vec<Expression>> {
    let send = |family| {
        let to = port_map::destination_nat(family, FOUND);
        port_map::lookups(family, FOUND).map(move |lookup| [step::is_of(family), lookup, vec![to.clone()]].concat())
    };
    [IpFamily::V4, IpFamily::V6].into_iter().flat_map(send).collect()
}

pub(super) fn table_name(project: &str) -> String {
    format!("{TABLE_PREFIX}{project}")
}
