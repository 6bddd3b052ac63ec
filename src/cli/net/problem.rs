//! What the kernel lacks, and what to do about it.

use serde::Serialize;

use crate::network::{Damage, ForeignFirewall, IpFamily};

/// Something that keeps packets from where they are to go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What is wrong.
    pub what: String,
    /// The commands that put it right.
    pub remedy: Vec<String>,
}

/// Whose a link is.
#[derive(Debug, Clone)]
pub struct Owner {
    /// The name of the container.
    pub container: String,
    /// Its service.
    pub service: String,
    /// The name of the network.
    pub network: String,
}

impl Problem {
    /// `damage` of what belongs to `owners`, if it is somebody's alone.
    #[must_use]
    pub fn of_damage(damage: &Damage, owners: &[Owner]) -> Self {
        let of: Vec<String> =
            owners.iter().map(|Owner { container, network, .. }| format!("{container} on network {network}")).collect();
        let what = if of.is_empty() { damage.to_string() } else { format!("{damage}: that of {}", of.join(", ")) };
        let remedy = match damage {
            Damage::NoLink { .. } | Damage::NoTable { .. } | Damage::Rules { .. } | Damage::Ports { .. } => {
                vec!["rcompose down".to_owned(), "rcompose up -d".to_owned()]
            }
            Damage::NoCable { .. } | Damage::NoCarrier { .. } => {
                let services = owners.iter().map(|owner| format!(" {}", owner.service)).collect::<String>();
                vec![format!("rcompose up -d --force-recreate --no-deps{services}")]
            }
            Damage::Down { link } => vec![format!("ip link set {link} up")],
            Damage::NoAddress { bridge, address, prefix } => {
                vec![format!("ip address add {address}/{prefix} dev {bridge}")]
            }
            Damage::Unplugged { link, bridge } => vec![format!("ip link set {link} master {bridge}")],
            Damage::NoForwarding { family: IpFamily::V4 } => vec!["sysctl -w net.ipv4.ip_forward=1".to_owned()],
            Damage::NoForwarding { family: IpFamily::V6 } => {
                vec!["sysctl -w net.ipv6.conf.all.forwarding=1".to_owned()]
            }
            Damage::NoLoopback { bridge } => vec![format!("sysctl -w net.ipv4.conf.{bridge}.route_localnet=1")],
        };
        Self { what, remedy }
    }

    /// Another program's firewall that drops what is ours.
    #[must_use]
    pub fn of_firewall(firewall: &ForeignFirewall) -> Self {
        Self { what: firewall.complaint(), remedy: firewall.remedy() }
    }
}
