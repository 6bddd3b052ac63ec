//! Plans as text, one step a line, and as DOT.

use std::fmt;

use petgraph::dot::{Config, Dot};

use super::{Cause, Operation, Plan, Step};
use crate::name::VolumeName;

impl fmt::Display for Plan {
    /// One step a line: its id, what it does, why, and the steps it comes after.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (id, step) in self.steps() {
            write!(formatter, "{id} {step}")?;
            for (position, earlier) in self.dependencies(id).into_iter().enumerate() {
                write!(formatter, "{} {earlier}", if position == 0 { " after" } else { "," })?;
            }
            writeln!(formatter)?;
        }
        Ok(())
    }
}

/// How many fields are named at most: who has changed more knows.
const NAMED: usize = 8;

/// The names of what changed, in a line.
fn some_of(fields: &[String]) -> String {
    let named = fields[..fields.len().min(NAMED)].join(", ");
    if fields.len() <= NAMED { named } else { format!("{named} and {} more", fields.len() - NAMED) }
}

impl Plan {
    /// What exists and is made anew without having been asked for, each with the reason: `recreate web:
    /// environment.DEBUG, image`.
    #[must_use]
    pub fn recreations(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let steps = self.steps().map(|(_, step)| step);
        for Step { operation, cause } in steps.filter(|step| !matches!(step.cause, Cause::Missing | Cause::Requested)) {
            let what = match operation {
                Operation::CreateContainer { service, .. } | Operation::RollOut { service, .. } => service.to_string(),
                Operation::CreateNetwork { network } => format!("network {network}"),
                Operation::CreateVolume { volume } => format!("volume {volume}"),
                _ => continue,
            };
            let line = match cause {
                Cause::ConfigChanged(fields) if !fields.is_empty() => format!("recreate {what}: {}", some_of(fields)),
                cause => format!("recreate {what}: {cause}"),
            };
            // Replicas say the same.
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        lines
    }

    /// The volumes that are not what the project says and stay as they are, each with the fields that differ.
    #[must_use]
    pub fn changed_volumes(&self) -> Vec<(&VolumeName, String)> {
        self.changed_volumes.iter().map(|(volume, fields)| (volume, some_of(fields))).collect()
    }

    /// The plan in the language of Graphviz. See `dot(1)`.
    #[must_use]
    pub fn to_dot(&self) -> String {
        let dot = Dot::with_attr_getters(
            &self.graph,
            &[Config::EdgeNoLabel, Config::NodeNoLabel],
            &|_, _| String::new(),
            // A quoted text as DOT reads it: names hold no quotes, but a `rootfs:` path may.
            &|_, (_, step)| format!("label={:?}", step.to_string()),
        );
        format!("{dot:?}")
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.operation, self.cause)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateNetwork { network } => write!(formatter, "create network {network}"),
            Self::CreateVolume { volume } => write!(formatter, "create volume {volume}"),
            Self::PullImage { image } => write!(formatter, "pull image {image}"),
            Self::BuildImage { service } => write!(formatter, "build image of {service}"),
            Self::CreateContainer { service, number, .. } => write!(formatter, "create container {service}-{number}"),
            Self::UpdateContainer { name, .. } => write!(formatter, "update container {name}"),
            Self::PreStart { service, number: None } => write!(formatter, "run pre_start of {service}"),
            Self::PreStart { service, number: Some(number) } => {
                write!(formatter, "run pre_start of {service}-{number}")
            }
            Self::RollOut { service, containers, .. } => {
                let names: Vec<_> = containers.iter().map(|replaced| replaced.name.as_str()).collect();
                write!(formatter, "roll out {service} in place of {}", names.join(", "))
            }
            Self::StartContainer { service, number } => write!(formatter, "start container {service}-{number}"),
            Self::AwaitCondition { service, condition, required: true } => {
                write!(formatter, "await {service} {condition}")
            }
            Self::AwaitCondition { service, condition, required: false } => {
                write!(formatter, "await {service} {condition}, if it can be had")
            }
            Self::StopContainer { name, .. } => write!(formatter, "stop container {name}"),
            Self::KillContainer { name, signal, .. } => write!(formatter, "send signal {signal} to container {name}"),
            Self::PauseContainer { name, .. } => write!(formatter, "pause container {name}"),
            Self::UnpauseContainer { name, .. } => write!(formatter, "unpause container {name}"),
            Self::RemoveContainer { name, volumes: false, .. } => write!(formatter, "remove container {name}"),
            Self::RemoveContainer { name, volumes: true, .. } => {
                write!(formatter, "remove container {name} with its volumes")
            }
            Self::RemoveNetwork { network } => write!(formatter, "remove network {network}"),
            Self::RestoreVolumes { snapshot, volumes } => {
                write!(formatter, "restore {} from snapshot {snapshot}", volumes.join(", "))
            }
            Self::RemoveVolume { volume, .. } => write!(formatter, "remove volume {volume}"),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => formatter.write_str("missing"),
            Self::NotRunning => formatter.write_str("not running"),
            Self::ConfigChanged(fields) => {
                formatter.write_str("configuration changed")?;
                if fields.is_empty() { Ok(()) } else { write!(formatter, ": {}", some_of(fields)) }
            }
            Self::LimitsChanged => formatter.write_str("network limits changed"),
            Self::Unfinished => formatter.write_str("left by an update"),
            Self::ImageChanged => formatter.write_str("image changed"),
            Self::Requested => formatter.write_str("requested"),
            Self::PullPolicy => formatter.write_str("pull policy"),
            Self::DependencyRecreated(service) => write!(formatter, "{service} recreated"),
            Self::SharesWith(service) => write!(formatter, "shares with {service}"),
            Self::NetworkRecreated(network) => write!(formatter, "network {network} recreated"),
            Self::VolumeRecreated(volume) => write!(formatter, "volume {volume} recreated"),
            Self::Disconnected(network) => write!(formatter, "not on network {network}"),
            Self::NeededBy(service) => write!(formatter, "needed by {service}"),
            Self::ScaledDown => formatter.write_str("scaled down"),
            Self::Orphan => formatter.write_str("orphan"),
            Self::Down => formatter.write_str("down"),
        }
    }
}
