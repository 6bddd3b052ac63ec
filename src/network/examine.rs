//! Compares what the kernel has with what it was given, for who asks why a packet does not arrive. Looks, and changes
//! nothing.

use super::cable::Cable;
use super::damage::Damage;
use super::netlink::{Connection, NetlinkError};
use super::nft::inspect;
use super::nft::{Element, Table};
use super::{Bridge, Firewall, IpFamily, link, sysctl};

/// Everything in the namespace of the calling thread that is not as `firewall` and `cables` have it. A rule that was
/// replaced by another one is not told from it.
///
/// # Errors
/// [`NetlinkError`] when the kernel does not tell.
pub fn examine(firewall: &Firewall, cables: &[&Cable]) -> Result<Vec<Damage>, NetlinkError> {
    let mut connection = Connection::route()?;
    let mut damages = bridges(&mut connection, firewall)?;
    for cable in cables {
        damages.extend(examine_cable(&mut connection, cable)?.filter(|damage| !damages.contains(damage)));
    }
    for family in [IpFamily::V4, IpFamily::V6] {
        let routes = firewall.bridges.iter().any(|bridge| !bridge.internal && bridge.has(family));
        if routes && !sysctl::forwards(family) {
            damages.push(Damage::NoForwarding { family });
        }
    }
    damages.extend(rules(&firewall.table())?);
    Ok(damages)
}

fn bridges(connection: &mut Connection, firewall: &Firewall) -> Result<Vec<Damage>, NetlinkError> {
    let addresses = link::addresses(connection)?;
    let mut damages = Vec::new();
    for bridge in &firewall.bridges {
        let Bridge { name, .. } = bridge;
        let Some(state) = link::state(connection, name)? else {
            damages.push(Damage::NoLink { link: name.clone() });
            continue;
        };
        if !state.up {
            damages.push(Damage::Down { link: name.clone() });
        }
        let missing =
            bridge.gateways().filter(|(address, prefix)| !addresses.contains(&(state.index, *address, *prefix)));
        let lost = |(address, prefix)| Damage::NoAddress { bridge: name.clone(), address, prefix };
        damages.extend(missing.map(lost));
        if firewall.publishes_on(bridge) && !sysctl::has_route_localnet(name) {
            damages.push(Damage::NoLoopback { bridge: name.clone() });
        }
    }
    Ok(damages)
}

/// What is wrong with one cable, as seen from the host.
fn examine_cable(connection: &mut Connection, cable: &Cable) -> Result<Option<Damage>, NetlinkError> {
    let (link, bridge) = match cable {
        Cable::Veth { host_interface, bridge, .. } => (host_interface.clone(), bridge.clone()),
        // Of these nothing is to be seen here but what they share.
        Cable::Macvlan { parent, .. } | Cable::Ipvlan { parent, .. } => {
            return Ok(match link::state(connection, parent)? {
                None => Some(Damage::NoLink { link: parent.clone() }),
                Some(state) if !state.up => Some(Damage::Down { link: parent.clone() }),
                Some(_) => None,
            });
        }
    };
    let Some(state) = link::state(connection, &link)? else { return Ok(Some(Damage::NoCable { link, bridge })) };
    let home = link::index(connection, &bridge)?;
    Ok(if !state.up {
        Some(Damage::Down { link })
    } else if !state.carrier {
        Some(Damage::NoCarrier { link })
    } else if home.is_some() && state.bridge != home {
        Some(Damage::Unplugged { link, bridge })
    } else {
        None
    })
}

fn rules(table: &Table) -> Result<Vec<Damage>, NetlinkError> {
    let mut connection = Connection::netfilter()?;
    let chains = inspect::chains_of(&mut connection, table.family, &table.name)?;
    if chains.is_empty() {
        return Ok(vec![Damage::NoTable { table: table.name.clone() }]);
    }
    let rules = inspect::rules_of(&mut connection, table.family, &table.name)?;
    let mut damages = Vec::new();
    for chain in &table.chains {
        let (expected, found) = (chain.rules.len(), rules.iter().filter(|rule| rule.chain == chain.name).count());
        // A chain without rules may be gone without anybody's missing it, but not one that others jump to.
        if expected != found {
            let chain = chain.name.to_owned();
            damages.push(Damage::Rules { table: table.name.clone(), chain, expected, found });
        }
    }
    for map in &table.maps {
        let found = inspect::elements_of(&mut connection, table.family, &table.name, map.name)?.unwrap_or_default();
        let lacking = |of: &[Element], from: &[Element]| from.iter().filter(|element| !of.contains(element)).count();
        let (missing, foreign) = (lacking(&found, &map.elements), lacking(&map.elements, &found));
        if missing + foreign > 0 {
            damages.push(Damage::Ports { table: table.name.clone(), map: map.name.to_owned(), missing, foreign });
        }
    }
    Ok(damages)
}
