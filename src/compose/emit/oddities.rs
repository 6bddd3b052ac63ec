//! What the output of the reference implementation has that its model has not: programs read it, so ours is the same.

use super::printed::{Entries, Printed};
use crate::compose::node::Mapping;

/// Rewrites mappings that are printed as lists.
pub(super) fn flatten(output: &mut Entries) {
    flatten_hosts(output);
    if let Some(value) = output.get_mut("ssh")
        && let Printed::Map(agents) = value
    {
        *value = Printed::List(std::mem::take(&mut agents.0).into_iter().map(agent).collect());
    }
}

/// Rewrites what an object of this name prints as JSON.
pub(super) fn imitate(name: &str, entries: &Mapping, output: &mut Entries) {
    match name {
        "service" | "build" => ulimits_without_zeros(output),
        // These objects lost the spelling of their keys.
        "blkio_limit" => capitalise(output, &["Path", "Rate"]),
        "blkio_weight" => capitalise(output, &["Path", "Weight"]),
        "config" if entries.get("environment").is_some_and(|entry| !entry.value.is_null()) => {
            output.remove("content");
        }
        _ => {}
    }
}

/// `{H: [IP]}` as `[H=IP]`.
fn flatten_hosts(output: &mut Entries) {
    let Some(value) = output.get_mut("extra_hosts") else { return };
    let Printed::Map(hosts) = value else { return };
    let mut lines: Vec<String> = Vec::new();
    for (host, addresses) in &hosts.0 {
        let Printed::List(addresses) = addresses else { continue };
        lines.extend(addresses.iter().filter_map(Printed::as_text).map(|address| format!("{host}={address}")));
    }
    lines.sort();
    *value = Printed::List(lines.into_iter().map(Printed::Text).collect());
}

/// A limit of 0 is not printed, which leaves an empty mapping.
fn ulimits_without_zeros(output: &mut Entries) {
    let Some(Printed::Map(limits)) = output.get_mut("ulimits") else { return };
    for (_, limit) in &mut limits.0 {
        match limit {
            Printed::Number(_) if limit.is_zero() => *limit = Printed::Map(Entries::default()),
            Printed::Map(limits) => limits.0.retain(|(_, value)| !value.is_zero()),
            _ => {}
        }
    }
}

/// `{ID: PATH}` as `ID` or `ID=PATH`.
fn agent((id, path): (String, Printed)) -> Printed {
    match path.as_text() {
        Some(path) if !path.is_empty() => Printed::Text(format!("{id}={path}")),
        _ => Printed::Text(id),
    }
}

fn capitalise(output: &mut Entries, keys: &[&str]) {
    for key in keys {
        let value = output.remove(&key.to_ascii_lowercase()).unwrap_or(Printed::Null);
        output.push(*key, value);
    }
}
