//! What `network ls` and `network inspect` show, and in which formats.

mod filter;
mod inspect;
mod list;

pub use filter::{Filter, InvalidFilter};
pub use inspect::as_inspected;
pub use list::{as_list, as_short_ids};

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::name::{ContainerId, ContainerName, ProjectName, ServiceName};
use crate::network::{IpFamily, Subnet};
use crate::state::{EndpointRecord, NetworkRecord};

/// A network with who is on it.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The project it belongs to, if any.
    pub owner: Option<ProjectName>,
    /// Its record.
    pub record: NetworkRecord,
    /// The containers on it.
    pub members: Vec<Member>,
}

/// A container on a network.
#[derive(Debug, Clone)]
pub struct Member {
    /// Its project.
    pub project: ProjectName,
    /// Its service.
    pub service: ServiceName,
    /// Its id.
    pub id: ContainerId,
    /// Its name.
    pub name: ContainerName,
    /// Whether it runs.
    pub running: bool,
    /// Its place on the network.
    pub endpoint: EndpointRecord,
}

impl Shown {
    /// Its labels: those that were given, and those that docker compose gives.
    #[must_use]
    pub fn labels(&self) -> BTreeMap<String, String> {
        let mut labels = self.record.labels.clone();
        if let Some(project) = &self.owner {
            labels.insert("com.docker.compose.network".to_owned(), self.record.key.to_string());
            labels.insert("com.docker.compose.project".to_owned(), project.to_string());
        }
        labels
    }

    /// Whether it is the network that `text` names: by name, id, or the beginning of an id.
    #[must_use]
    pub fn is_called(&self, text: &str) -> bool {
        self.record.name == text || (text.len() >= 4 && self.record.id().starts_with(text))
    }

    fn has(&self, family: IpFamily) -> bool {
        let subnets = self.record.pools.iter().filter_map(|pool| pool.subnet.parse::<Subnet>().ok());
        subnets.into_iter().any(|subnet| subnet.family() == family)
    }

    /// The address of a member by `family`, with the length of its prefix; nothing if it has none.
    fn address(&self, member: &Member, family: IpFamily) -> String {
        let address = member.endpoint.addresses.iter().find(|address| IpFamily::of(**address) == family);
        address.map_or_else(String::new, |address| self.with_prefix(*address))
    }

    fn with_prefix(&self, address: IpAddr) -> String {
        let subnets = self.record.pools.iter().filter_map(|pool| pool.subnet.parse::<Subnet>().ok());
        let subnet = subnets.into_iter().find(|subnet| subnet.contains(address));
        subnet.map_or_else(|| address.to_string(), |subnet| format!("{address}/{}", subnet.prefix()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{LinkRecord, PoolRecord, VERSION};

    /// A network of the project `shop` with one container that runs and one that does not.
    pub(super) fn shown() -> Shown {
        let pool = |subnet: &str, gateway: &str| PoolRecord {
            subnet: subnet.to_owned(),
            gateway: Some(gateway.parse().unwrap()),
            range: None,
            reserved: BTreeMap::new(),
            masquerade: true,
            unprotected: false,
        };
        let member = |service: &str, digit: &str, running, addresses: &[&str]| Member {
            project: ProjectName::new("shop").unwrap(),
            service: ServiceName::new(service).unwrap(),
            id: ContainerId::new(digit.repeat(64)).unwrap(),
            name: ContainerName::new(format!("shop-{service}-1")).unwrap(),
            running,
            endpoint: EndpointRecord {
                network: "back".parse().unwrap(),
                addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
                external: None,
                link_local: Vec::new(),
                mac: [2, 66, 10, 9, 0, 2],
                link: None,
                interface: "eth0".to_owned(),
                names: vec![service.to_owned()],
            },
        };
        Shown {
            owner: Some(ProjectName::new("shop").unwrap()),
            record: NetworkRecord {
                version: VERSION,
                key: "back".parse().unwrap(),
                name: "shop_back".to_owned(),
                hash: String::new(),
                fields: BTreeMap::new(),
                bridge: "rc-00112233".to_owned(),
                pools: vec![pool("10.9.0.0/24", "10.9.0.1"), pool("fd09::/64", "fd09::1")],
                internal: true,
                mtu: None,
                link: LinkRecord::Bridge,
                isolated: false,
                interface_prefix: None,
                host_binding: None,
                attachable: false,
                labels: [("tier".to_owned(), "back".to_owned())].into(),
                created_at: Some("2026-01-02T03:04:05Z".parse().unwrap()),
                options: BTreeMap::new(),
            },
            members: vec![
                member("db", "a", true, &["10.9.0.2", "fd09::2"]),
                member("old", "b", false, &["10.9.0.3", "fd09::3"]),
            ],
        }
    }
}
