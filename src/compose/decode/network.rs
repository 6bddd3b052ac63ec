//! Networks and volumes of the project, and how services are attached to networks.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::field::{Field, Object, Place};
use super::{Context, keys, name};
use crate::compose::diagnostic::DiagnosticKind;
use crate::compose::model::{Attachment, Network, NetworkMode, Volume};
use crate::name::NetworkName;

/// Decodes a network of the project.
pub(super) fn network(field: Field<'_>, key: &str, context: &Context<'_>) -> Option<Network> {
    let place = Place { kind: "network", name: key, within: "" };
    if field.node.is_null() {
        return Some(Network { name: scoped(key, context), ..Network::default() });
    }
    let object = field.object_at(place, &keys::NETWORK)?;
    only(&object, "driver", "bridge");
    for (key, supported) in [("enable_ipv4", true), ("enable_ipv6", false)] {
        if let Some(field) = object.get(key).filter(|field| field.boolean() == Some(!supported)) {
            field.not_supported();
        }
    }
    object.boolean("attachable");
    let (external, name) = external(&object, key, context);
    let (subnet, gateway) = object.object("ipam", &keys::IPAM).map(|ipam| subnet(&ipam)).unwrap_or_default();
    Some(Network {
        name,
        external,
        internal: object.boolean("internal").unwrap_or(false),
        subnet,
        gateway,
        driver_opts: object.texts("driver_opts"),
        labels: object.texts("labels"),
    })
}

/// A network that is used and not declared: only `default` may be.
pub(super) fn implicit(name: &NetworkName, context: &Context<'_>) -> Network {
    Network { name: scoped(name.as_str(), context), ..Network::default() }
}

/// Decodes a volume of the project.
pub(super) fn volume(field: Field<'_>, key: &str, context: &Context<'_>) -> Option<Volume> {
    if field.node.is_null() {
        return Some(Volume { name: scoped(key, context), ..Volume::default() });
    }
    let object = field.object_at(Place { kind: "volume", name: key, within: "" }, &keys::VOLUME)?;
    only(&object, "driver", "local");
    let (external, name) = external(&object, key, context);
    Some(Volume { name, external, labels: object.texts("labels") })
}

/// Reports a value of `key` other than `supported`.
fn only(object: &Object<'_>, key: &'static str, supported: &str) {
    if let Some(field) = object.get(key)
        && field.text().is_some_and(|text| !text.is_empty() && text != "default" && text != supported)
    {
        field.not_supported();
    }
}

fn scoped(key: &str, context: &Context<'_>) -> String {
    format!("{}_{key}", context.project)
}

/// `external` and the name on the host. What exists outside the project has its own settings.
fn external(object: &Object<'_>, key: &str, context: &Context<'_>) -> (bool, String) {
    let given = object.string("name");
    let external = object.boolean("external").unwrap_or(false);
    if external {
        for other in ["attachable", "driver", "driver_opts", "enable_ipv4", "enable_ipv6", "internal", "ipam", "labels"]
        {
            if let Some(field) = object.get(other) {
                let text = format!("{} is external and cannot have `{other}`", object.place);
                object.report.error(field.node.origin, DiagnosticKind::Conflict(text));
            }
        }
    }
    (external, given.unwrap_or_else(|| if external { key.to_owned() } else { scoped(key, context) }))
}

fn subnet(ipam: &Object<'_>) -> (Option<String>, Option<Ipv4Addr>) {
    only(ipam, "driver", "default");
    let items = ipam.get("config").map(Field::items).unwrap_or_default();
    if let Some(second) = items.get(1) {
        second.not_supported();
    }
    let Some(object) = items.first().and_then(|item| item.object(&keys::SUBNET)) else { return (None, None) };
    let subnet = object.parse("subnet", |text| {
        let valid = text.split_once('/').is_some_and(|(address, prefix)| {
            address.parse::<Ipv4Addr>().is_ok() && prefix.parse::<u8>().is_ok_and(|prefix| prefix <= 32)
        });
        if valid { Ok(text.to_owned()) } else { Err(format!("`{text}` is not an IPv4 subnet such as 10.1.2.0/24")) }
    });
    (subnet, object.parse("gateway", ipv4))
}

/// Decodes `network_mode`.
pub(super) fn mode(service: &Object<'_>) -> Option<NetworkMode> {
    let field = service.get("network_mode")?;
    match field.string()?.as_str() {
        "none" => Some(NetworkMode::None),
        "host" => Some(NetworkMode::Host),
        other => {
            if other == "bridge" || other.starts_with("service:") || other.starts_with("container:") {
                field.not_supported();
            } else {
                field.invalid("must be `none`, `host`, `service:NAME` or `container:NAME`");
            }
            None
        }
    }
}

/// Decodes `networks` of a service; `default` when nothing is said.
pub(super) fn attachments(service: &Object<'_>) -> BTreeMap<NetworkName, Attachment> {
    let Some(field) = service.get("networks").filter(|field| field.node.entries().is_none_or(|map| !map.is_empty()))
    else {
        let default = NetworkName::new("default").map(|name| (name, Attachment::default()));
        return if service.has("network_mode") { BTreeMap::new() } else { default.into_iter().collect() };
    };
    if service.has("network_mode") {
        let text = format!("{}: `network_mode` and `networks` exclude each other", service.place);
        service.report.error(field.node.origin, DiagnosticKind::Conflict(text));
    }
    let mut attachments = BTreeMap::new();
    for (key, field) in field.entries() {
        let attachment = if field.node.is_null() { Some(Attachment::default()) } else { attachment(field) };
        if let (Some(name), Some(attachment)) = (name(&field, key, NetworkName::new), attachment) {
            attachments.insert(name, attachment);
        }
    }
    attachments
}

fn attachment(field: Field<'_>) -> Option<Attachment> {
    let object = field.object(&keys::ATTACHMENT)?;
    let number = |key| object.get(key).and_then(|field| field.number::<i32>("a whole number")).unwrap_or(0);
    Some(Attachment {
        aliases: object.strings("aliases"),
        ipv4_address: object.parse("ipv4_address", ipv4),
        mac_address: object.parse("mac_address", mac_address),
        priority: number("priority"),
        gw_priority: number("gw_priority"),
    })
}

fn ipv4(text: &str) -> Result<Ipv4Addr, String> {
    text.parse().map_err(|_| format!("`{text}` is not an IPv4 address"))
}

fn mac_address(text: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.split([':', '-']).collect();
    let valid = parts.len() == 6 && parts.iter().all(|part| part.len() == 2 && u8::from_str_radix(part, 16).is_ok());
    if valid { Ok(parts.join(":").to_ascii_lowercase()) } else { Err(format!("`{text}` is not a MAC address")) }
}
