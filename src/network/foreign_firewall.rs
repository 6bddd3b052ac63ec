//! Firewalls of other programs that drop what goes over our bridges, or what comes from there to this machine. What one table drops, no other can let through, and
//! the rules of others are not ours to change: so who is affected is told how to change them.
//!
//! Seen is what nftables holds, which includes the rules of today's `iptables`, but not those of `iptables-legacy`.

use std::collections::BTreeSet;
use std::fmt;

use super::IpFamily;
use super::bridge::BRIDGE_PREFIX;
use super::cable::VETH_PREFIX;
use super::netlink::{Connection, NetlinkError};
use super::nft::Family;
use super::nft::inspect::{self, BaseChain, ForeignRule, ForeignVerdict, LinkPattern, Traffic};

/// The chain that Docker runs before its own, and leaves to the user.
const DOCKER_USER: &str = "DOCKER-USER";
/// The table that firewalld keeps all of its rules in.
const FIREWALLD_TABLE: &str = "firewalld";
/// How the names of ufw's chains for the rules of its users begin, of IPv4 and of IPv6.
const UFW_PREFIXES: [&str; 2] = ["ufw-user-", "ufw6-user-"];

/// A chain of another program that drops what goes over our bridges; shown as a warning with the way to allow it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignFirewall {
    chain: BaseChain,
    keeper: Keeper,
}

/// Whoever writes the rules of a chain, and takes further ones in its own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeper {
    Firewalld,
    Ufw,
    Docker,
    /// Nobody that we know; or nobody, where the rules are the administrator's own.
    Unknown,
}

/// The chains in the namespace of the calling thread that drop what goes over our bridges. Takes some 0.1 ms where there
/// are few rules.
///
/// # Errors
/// [`NetlinkError`] when the kernel does not tell.
pub fn foreign_firewalls() -> Result<Vec<ForeignFirewall>, NetlinkError> {
    find(Traffic::Forwarded)
}

/// The chains in the namespace of the calling thread that drop what containers send to this machine. Many machines have one,
/// and few containers mind.
///
/// # Errors
/// [`NetlinkError`] when the kernel does not tell.
pub fn foreign_input_firewalls() -> Result<Vec<ForeignFirewall>, NetlinkError> {
    find(Traffic::Received)
}

fn find(traffic: Traffic) -> Result<Vec<ForeignFirewall>, NetlinkError> {
    let mut connection = Connection::netfilter()?;
    let mut found = Vec::new();
    for chain in inspect::base_chains(&mut connection, traffic)? {
        if !chain.table.starts_with(super::firewall::TABLE_PREFIX) {
            found.extend(judge(&inspect::rules(&mut connection, &chain)?, chain));
        }
    }
    Ok(found)
}

/// What `chain` is to us, whose table has these `rules`.
fn judge(rules: &[ForeignRule], chain: BaseChain) -> Option<ForeignFirewall> {
    if !drops_the_rest(rules, &chain) {
        return None;
    }
    let reached = reached(rules, &chain.name);
    let names_us = |link: fn(&ForeignRule) -> Option<&LinkPattern>| {
        rules.iter().any(|rule| {
            // A rule that sends us to another chain was made by who knows of us.
            let lets_through = !matches!(rule.verdict, None | Some(ForeignVerdict::Drop));
            lets_through
                && reached.contains(rule.chain.as_str())
                && link(rule).is_some_and(|pattern| means_us(pattern, our_links(&chain)))
        })
    };
    let goes_on = || chain.traffic == Traffic::Received || names_us(|rule| rule.goes_to.as_ref());
    if names_us(|rule| rule.comes_from.as_ref()) && goes_on() {
        return None;
    }
    Some(ForeignFirewall { keeper: Keeper::of(&chain, &reached), chain })
}

impl Keeper {
    /// The keeper of `chain`, from which these are `reached`. Rules given to ufw outlast a restart of the machine, rules in
    /// Docker's chain do not: so where both keep one chain, ufw is asked.
    fn of(chain: &BaseChain, reached: &BTreeSet<&str>) -> Self {
        if chain.table == FIREWALLD_TABLE {
            Self::Firewalld
        } else if reached.iter().any(|chain| UFW_PREFIXES.iter().any(|prefix| chain.starts_with(prefix))) {
            Self::Ufw
        } else if reached.contains(DOCKER_USER) {
            Self::Docker
        } else {
            Self::Unknown
        }
    }
}

/// Whether what no rule decides about is dropped: by the policy, as Docker and ufw have it, or by a last rule, as
/// firewalld has it.
fn drops_the_rest(rules: &[ForeignRule], chain: &BaseChain) -> bool {
    let of_all = rules.iter().filter(|rule| rule.chain == chain.name && !rule.is_conditional);
    let mut verdicts = of_all.filter_map(|rule| rule.verdict.as_ref());
    match verdicts.find(|verdict| !matches!(verdict, ForeignVerdict::Chain(_))) {
        Some(verdict) => *verdict == ForeignVerdict::Drop,
        None => chain.drops,
    }
}

/// The chain called `first` and those that it leads to.
fn reached<'a>(rules: &'a [ForeignRule], first: &'a str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut next = vec![first];
    while let Some(chain) = next.pop() {
        if reached.insert(chain) {
            next.extend(rules.iter().filter(|rule| rule.chain == chain).filter_map(|rule| match &rule.verdict {
                Some(ForeignVerdict::Chain(target)) => Some(target.as_str()),
                _ => None,
            }));
        }
    }
    reached
}

/// How the names of our links begin, as the chain sees them: bridges where packets are routed, their ports where packets
/// are switched.
fn our_links(chain: &BaseChain) -> &'static str {
    if chain.family == Family::Bridge { VETH_PREFIX } else { BRIDGE_PREFIX }
}

/// Whether a rule about these links is about ours, whose names begin with `prefix`.
fn means_us(pattern: &LinkPattern, prefix: &str) -> bool {
    match pattern {
        LinkPattern::Exactly(name) => name.starts_with(prefix),
        LinkPattern::Beginning(beginning) => beginning.starts_with(prefix) || prefix.starts_with(beginning),
    }
}

impl ForeignFirewall {
    /// What it does, without the way to allow it.
    #[must_use]
    pub fn complaint(&self) -> String {
        let BaseChain { traffic, family, table, name, .. } = &self.chain;
        let what = match traffic {
            Traffic::Forwarded => "what is forwarded: containers may reach neither one another nor the outside",
            Traffic::Received => "what this machine receives: containers may not reach it by `host-gateway`",
        };
        format!("chain `{name}` of the firewall table `{family} {table}`, which is another program's, drops {what}")
    }

    /// Whether it has a say in packets of `family`.
    #[must_use]
    pub fn is_of(&self, family: IpFamily) -> bool {
        match self.chain.family {
            Family::Ipv4 => family == IpFamily::V4,
            Family::Ipv6 => family == IpFamily::V6,
            Family::Inet | Family::Bridge => true,
        }
    }

    /// The commands that let our bridges through.
    #[must_use]
    pub fn remedy(&self) -> Vec<String> {
        let BaseChain { family, table, name, .. } = &self.chain;
        let links = our_links(&self.chain);
        let is_received = self.chain.traffic == Traffic::Received;
        let chain = match self.keeper {
            Keeper::Firewalld => {
                let add = format!("firewall-cmd --permanent --zone=trusted --add-interface={links}+");
                return vec![add, "firewall-cmd --reload".to_owned()];
            }
            Keeper::Ufw if is_received => return vec![format!("ufw allow in on {links}+")],
            Keeper::Ufw => return ["in", "out"].map(|side| format!("ufw route allow {side} on {links}+")).into(),
            Keeper::Docker => DOCKER_USER,
            Keeper::Unknown => name,
        };
        let program = match family {
            Family::Ipv4 => Some("iptables"),
            Family::Ipv6 => Some("ip6tables"),
            Family::Inet | Family::Bridge => None,
        };
        if let Some(program) = program.filter(|_| table == "filter") {
            let sides = if is_received { &["-i"][..] } else { &["-i", "-o"] };
            return sides.iter().map(|side| format!("{program} -I {chain} {side} {links}+ -j ACCEPT")).collect();
        }
        let sides = if is_received { &["iifname"][..] } else { &["iifname", "oifname"] };
        let rule = |side| format!("nft insert rule {family} {table} {name} {side} '\"{links}*\"' accept");
        sides.iter().map(rule).collect()
    }
}

impl fmt::Display for ForeignFirewall {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.complaint())?;
        let commands = self.remedy();
        let commands: Vec<_> = commands.iter().map(|command| format!("`{command}`")).collect();
        write!(formatter, "; allow it with {}", commands.join(" and "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(drops: bool) -> BaseChain {
        BaseChain {
            traffic: Traffic::Forwarded,
            family: Family::Ipv4,
            table: "filter".to_owned(),
            name: "FORWARD".to_owned(),
            drops,
        }
    }

    fn rule(chain: &str, verdict: ForeignVerdict) -> ForeignRule {
        ForeignRule { chain: chain.to_owned(), verdict: Some(verdict), ..ForeignRule::default() }
    }

    /// A rule for what comes from and goes to these links.
    fn link(chain: &str, [comes_from, goes_to]: [Option<&str>; 2]) -> ForeignRule {
        let pattern = |text: &str| match text.strip_suffix('*') {
            Some(beginning) => LinkPattern::Beginning(beginning.to_owned()),
            None => LinkPattern::Exactly(text.to_owned()),
        };
        ForeignRule {
            comes_from: comes_from.map(pattern),
            goes_to: goes_to.map(pattern),
            is_conditional: true,
            ..rule(chain, ForeignVerdict::Accept)
        }
    }

    #[test]
    fn who_drops_what_is_ours() {
        use ForeignVerdict::{Accept, Chain, Drop};
        let jump = || rule("FORWARD", Chain(DOCKER_USER.to_owned()));
        let both = |chain, name| [link(chain, [Some(name), None]), link(chain, [None, Some(name)])];
        for (case, drops, rules, expected) in [
            ("nothing", false, vec![], false),
            ("a policy", true, vec![], true),
            ("a last rule", false, vec![rule("FORWARD", Drop)], true),
            ("a rule for some", false, vec![ForeignRule { is_conditional: true, ..rule("FORWARD", Drop) }], false),
            ("a policy that nothing reaches", true, vec![rule("FORWARD", Accept)], false),
            ("the remedy", true, both("FORWARD", "rc-*").into(), false),
            ("half of it", true, vec![link("FORWARD", [Some("rc-*"), None])], true),
            ("for others", true, both("FORWARD", "docker0").into(), true),
            ("for all that begin as ours", true, both("FORWARD", "r*").into(), false),
            ("for a link whose name ours only begin with", true, both("FORWARD", "rc").into(), true),
            ("in a chain that is run", true, [vec![jump()], both(DOCKER_USER, "rc-*").into()].concat(), false),
            ("in a chain that is not", true, both("INPUT", "rc-*").into(), true),
        ] {
            assert_eq!(judge(&rules, chain(drops)).is_some(), expected, "{case}");
        }
    }

    #[test]
    fn whoever_keeps_the_rules_is_asked() {
        let leads_to = |chains: &[&str]| {
            let jumps: Vec<_> =
                chains.iter().map(|chain| rule("FORWARD", ForeignVerdict::Chain((*chain).to_owned()))).collect();
            judge(&jumps, chain(true)).unwrap().keeper
        };
        assert_eq!(leads_to(&[]), Keeper::Unknown);
        assert_eq!(leads_to(&["DOCKER-USER"]), Keeper::Docker);
        assert_eq!(leads_to(&["ufw-user-forward"]), Keeper::Ufw);
        assert_eq!(leads_to(&["DOCKER-USER", "ufw6-user-forward"]), Keeper::Ufw);
    }

    #[test]
    fn how_it_is_told() {
        let told = |family, table: &str, name: &str, keeper| {
            let (table, name) = (table.to_owned(), name.to_owned());
            let chain = BaseChain { traffic: Traffic::Forwarded, family, table, name, drops: true };
            ForeignFirewall { chain, keeper }.to_string()
        };
        insta::assert_snapshot!(told(Family::Ipv4, "filter", "FORWARD", Keeper::Unknown), @"chain `FORWARD` of the firewall table `ip filter`, which is another program's, drops what is forwarded: containers may reach neither one another nor the outside; allow it with `iptables -I FORWARD -i rc-+ -j ACCEPT` and `iptables -I FORWARD -o rc-+ -j ACCEPT`");
        let remedy = |text: String| text.rsplit_once("allow it with ").map(|(_, remedy)| remedy.to_owned()).unwrap();
        insta::assert_snapshot!(remedy(told(Family::Ipv4, "filter", "FORWARD", Keeper::Docker)), @"`iptables -I DOCKER-USER -i rc-+ -j ACCEPT` and `iptables -I DOCKER-USER -o rc-+ -j ACCEPT`");
        insta::assert_snapshot!(remedy(told(Family::Ipv6, "filter", "FORWARD", Keeper::Unknown)), @"`ip6tables -I FORWARD -i rc-+ -j ACCEPT` and `ip6tables -I FORWARD -o rc-+ -j ACCEPT`");
        insta::assert_snapshot!(remedy(told(Family::Inet, "firewalld", "filter_FORWARD", Keeper::Firewalld)), @"`firewall-cmd --permanent --zone=trusted --add-interface=rc-+` and `firewall-cmd --reload`");
        insta::assert_snapshot!(remedy(told(Family::Ipv4, "filter", "FORWARD", Keeper::Ufw)), @"`ufw route allow in on rc-+` and `ufw route allow out on rc-+`");
        insta::assert_snapshot!(remedy(told(Family::Inet, "mine", "forward", Keeper::Unknown)), @r#"`nft insert rule inet mine forward iifname '"rc-*"' accept` and `nft insert rule inet mine forward oifname '"rc-*"' accept`"#);
        insta::assert_snapshot!(remedy(told(Family::Bridge, "mine", "forward", Keeper::Unknown)), @r#"`nft insert rule bridge mine forward iifname '"rv*"' accept` and `nft insert rule bridge mine forward oifname '"rv*"' accept`"#);
    }
}
