//! What `rcompose graph` draws: services, what they need and under which condition, networks, volumes, ports, and what is
//! running of it all.
//!
//! ```text
//! Project, states ─▶ Graph ─┬▶ dot
//!                           ├▶ mermaid
//!                           └▶ layout ─▶ svg
//! ```

mod dot;
mod layout;
mod mermaid;
mod svg;

pub use dot::as_dot;
pub use mermaid::as_mermaid;
pub use svg::as_svg;

use std::collections::{BTreeMap, BTreeSet};

use crate::cli::ps::State;
use crate::cli::viz::published;
use crate::compose::model::{Condition, Mount, Project, Service};
use crate::name::ServiceName;
use crate::plan::Health;

/// What is drawn. Everything is in the order of names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    /// The project.
    pub project: String,
    /// Its services.
    pub services: Vec<Node>,
    /// The networks that they are on.
    pub networks: Vec<Resource>,
    /// The named volumes that they have.
    pub volumes: Vec<Resource>,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name; with the number of its containers, where that is not 1.
    pub title: String,
    /// What it is made from.
    pub image: String,
    /// The ports that it publishes: `8080 → 80/tcp`.
    pub ports: Vec<String>,
    /// The networks that it is on: places in [`Graph::networks`].
    pub networks: Vec<usize>,
    /// The volumes that it has, with where: places in [`Graph::volumes`].
    pub volumes: Vec<(usize, String)>,
    /// What it depends on: places in [`Graph::services`].
    pub needs: Vec<Need>,
    /// What its containers are doing; `None` where the project has none at all.
    pub live: Option<Live>,
}

/// A dependency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// On which service.
    pub on: usize,
    /// What is waited for.
    pub condition: Condition,
    /// Whether it fails if that cannot be had.
    pub required: bool,
    /// Whether it restarts with it.
    pub restart: bool,
}

impl Need {
    /// In a few words, which are none where it only has to have been started.
    #[must_use]
    pub fn label(&self) -> String {
        let condition = match self.condition {
            Condition::ServiceStarted => "",
            Condition::ServiceHealthy => "healthy",
            Condition::ServiceCompletedSuccessfully => "completed",
        };
        let words = [condition, if self.required { "" } else { "optional" }, if self.restart { "restart" } else { "" }];
        words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", ")
    }
}

/// A network or a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its key.
    pub name: String,
    /// Whether it is made outside the project.
    pub is_external: bool,
    /// Whether it leads nowhere.
    pub is_internal: bool,
}

impl Resource {
    /// Its key and what is particular about it.
    #[must_use]
    pub fn label(&self) -> String {
        match (self.is_external, self.is_internal) {
            (true, _) => format!("{} (external)", self.name),
            (false, true) => format!("{} (internal)", self.name),
            (false, false) => self.name.clone(),
        }
    }
}

/// What the containers of a service are doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// How well that is.
    pub mood: Mood,
    /// In words.
    pub text: String,
}

/// How well a service does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mood {
    /// It does what it should.
    Good,
    /// It is not there, or not running.
    Idle,
    /// It is about to be.
    Busy,
    /// It failed.
    Bad,
}

/// What the containers of each service are doing.
pub type States = BTreeMap<ServiceName, Vec<State>>;

impl Graph {
    /// The graph of `services` of `project`. Without any state, none is shown.
    #[must_use]
    pub fn new(project: &Project, services: &BTreeMap<&ServiceName, &Service>, states: &States) -> Self {
        let place = |name: &ServiceName| services.keys().position(|key| *key == name);
        let networks: BTreeSet<_> = services.values().flat_map(|service| service.networks.keys()).collect();
        let volumes: BTreeSet<_> = services.values().flat_map(|service| service.named_volumes()).collect();
        let node = |(name, service): (&&ServiceName, &&Service)| {
            let needs = service.depends_on.iter().filter_map(|(on, dependency)| {
                let (condition, required, restart) = (dependency.condition, dependency.required, dependency.restart);
                Some(Need { on: place(on)?, condition, required, restart })
            });
            let mounted = service.mounts().into_iter().filter_map(|mount| match mount {
                Mount::Volume { source: Some(key), target, .. } => {
                    Some((volumes.iter().position(|volume| **volume == key)?, target))
                }
                _ => None,
            });
            let title = match service.replicas() {
                1 => name.to_string(),
                replicas => format!("{name} ×{replicas}"),
            };
            let of_service = states.get(*name).map(Vec::as_slice).unwrap_or_default();
            Node {
                title,
                image: service.image.to_string(),
                ports: service.ports.iter().map(|port| published(port, "→")).collect(),
                networks: service.networks.keys().filter_map(|key| networks.iter().position(|of| *of == key)).collect(),
                volumes: mounted.collect(),
                needs: needs.collect(),
                live: (!states.is_empty()).then(|| live(of_service, service.replicas())),
            }
        };
        let network = |key: &&crate::name::NetworkName| {
            let network = project.networks.get(*key);
            Resource {
                name: key.to_string(),
                is_external: network.is_some_and(|network| network.external),
                is_internal: network.is_some_and(|network| network.internal),
            }
        };
        let volume = |key: &&crate::name::VolumeName| Resource {
            name: key.to_string(),
            is_external: project.volumes.get(*key).is_some_and(|volume| volume.external),
            is_internal: false,
        };
        Self {
            project: project.name.to_string(),
            services: services.iter().map(node).collect(),
            networks: networks.iter().map(network).collect(),
            volumes: volumes.iter().map(volume).collect(),
        }
    }
}

/// What a service does whose containers are in these states: the worst of it, and how many there are of each.
fn live(states: &[State], replicas: u32) -> Live {
    if states.is_empty() {
        let (mood, text) = if replicas == 0 { (Mood::Good, "none wanted") } else { (Mood::Idle, "not created") };
        return Live { mood, text: text.to_owned() };
    }
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut worst = Mood::Good;
    for state in states {
        let (mood, text) = told(state);
        worst = worst.max(mood);
        *counts.entry(text).or_default() += 1;
    }
    let several = states.len() > 1;
    let part = |(text, count): (String, usize)| if several { format!("{count} {text}") } else { text };
    Live { mood: worst, text: counts.into_iter().map(part).collect::<Vec<_>>().join(", ") }
}

fn told(state: &State) -> (Mood, String) {
    let (mood, text) = match state {
        State::Created => (Mood::Idle, "created"),
        State::Running { health: Health::None, .. } => (Mood::Good, "running"),
        State::Running { health: Health::Healthy, .. } => (Mood::Good, "healthy"),
        State::Running { health: Health::Starting, .. } => (Mood::Busy, "starting"),
        State::Running { health: Health::Unhealthy, .. } => (Mood::Bad, "unhealthy"),
        State::Paused { .. } => (Mood::Busy, "paused"),
        State::Restarting { .. } => (Mood::Bad, "restarting"),
        State::Exited { code: 0, .. } => (Mood::Idle, "exited (0)"),
        State::Exited { code, .. } => return (Mood::Bad, format!("exited ({code})")),
        State::Removing => (Mood::Busy, "removing"),
        State::Dead => (Mood::Bad, "dead"),
    };
    (mood, text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    pub(super) fn project(services: &Value, networks: &Value, volumes: &Value) -> Project {
        serde_json::from_value(json!({
            "name": "shop", "working_dir": "/", "files": [], "disabled": {}, "networks": networks, "volumes": volumes,
            "configs": {}, "secrets": {}, "models": {}, "services": services,
        }))
        .unwrap()
    }

    pub(super) fn shop() -> Project {
        let on = |condition: &str, required: bool, restart: bool| json!({"condition": condition, "restart": restart, "required": required});
        project(
            &json!({
                "db": {
                    "image": "postgres:15", "networks": {"back": null},
                    "volumes": [{"type": "volume", "source": "data", "target": "/var/lib/postgresql/data"}],
                },
                "migrate": {"image": "shop/app:1", "networks": {"back": null}, "depends_on": {"db": on("service_healthy", true, false)}},
                "cache": {"image": "redis:7", "networks": {"back": null}},
                "app": {
                    "image": "shop/app:1", "scale": 2, "networks": {"back": null, "front": null},
                    "depends_on": {
                        "db": on("service_healthy", true, true), "cache": on("service_started", false, false),
                        "migrate": on("service_completed_successfully", true, false),
                    },
                },
                "web": {
                    "image": "nginx:1", "networks": {"front": null},
                    "ports": [{"target": 80, "published": "8080", "protocol": "tcp", "host_ip": "127.0.0.1"}],
                    "depends_on": {"app": on("service_started", true, false)},
                },
                "mail": {
                    "image": "mail:1", "networks": {"front": null},
                    "volumes": [{"type": "volume", "source": "data", "target": "/<&\"'#>"}],
                },
            }),
            &json!({"back": {"name": "shop_back", "internal": true}, "front": {"name": "shop_front"}}),
            &json!({"data": {"name": "shop_data"}}),
        )
    }

    pub(super) fn graph(project: &Project, states: &States) -> Graph {
        Graph::new(project, &project.services.iter().collect(), states)
    }

    #[test]
    fn the_worst_of_several_containers_counts() {
        let running = |health| State::Running { since: jiff::Timestamp::UNIX_EPOCH, health };
        let exited = |code| State::Exited { code, oom: false, at: jiff::Timestamp::UNIX_EPOCH };
        for (states, mood, text) in [
            (vec![running(Health::Healthy)], Mood::Good, "healthy"),
            (vec![running(Health::None), running(Health::None)], Mood::Good, "2 running"),
            (vec![running(Health::None), exited(3)], Mood::Bad, "1 exited (3), 1 running"),
            (vec![exited(0)], Mood::Idle, "exited (0)"),
            (vec![], Mood::Idle, "not created"),
        ] {
            assert_eq!(live(&states, 1), Live { mood, text: text.to_owned() });
        }
    }
}
