//! `ports`, in their long form.

use std::net::IpAddr;

use super::field::{Field, Object};
use super::keys;
use crate::compose::model::{Port, Protocol};

/// Decodes the published ports of a service.
pub(super) fn ports(service: &Object<'_>) -> Vec<Port> {
    service.get("ports").map(Field::items).unwrap_or_default().into_iter().filter_map(port).collect()
}

fn port(field: Field<'_>) -> Option<Port> {
    let object = field.object(&keys::PORT)?;
    for key in ["app_protocol", "mode", "name"] {
        object.string(key);
    }
    let Some(target) = object.get("target") else {
        object.missing("target");
        return None;
    };
    Some(Port {
        target: target.parse(number)?,
        published: object
            .get("published")
            .filter(|field| field.node.text() != Some(""))
            .and_then(|field| field.parse(range)),
        host_ip: object
            .parse("host_ip", |text| text.parse::<IpAddr>().map_err(|_| format!("`{text}` is not an IP address"))),
        protocol: object.parse("protocol", protocol).unwrap_or(Protocol::Tcp),
    })
}

fn number(text: &str) -> Result<u16, String> {
    text.parse().ok().filter(|port| *port > 0).ok_or_else(|| format!("`{text}` is not a port between 1 and 65535"))
}

fn range(text: &str) -> Result<(u16, u16), String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (number(first)?, number(last)?);
    if first > last { Err(format!("the range `{text}` ends before it begins")) } else { Ok((first, last)) }
}

fn protocol(text: &str) -> Result<Protocol, &'static str> {
    match text {
        "tcp" => Ok(Protocol::Tcp),
        "udp" => Ok(Protocol::Udp),
        "sctp" => Err("`sctp` is not supported yet"),
        _ => Err("must be `tcp` or `udp`"),
    }
}
