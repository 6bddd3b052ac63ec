//! `network inspect`: what docker's says, field for field.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};

use super::Shown;
use crate::cli::template::{TemplateError, render};
use crate::network::IpFamily;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Inspected {
    name: String,
    id: String,
    created: String,
    scope: &'static str,
    driver: &'static str,
    #[serde(rename = "EnableIPv4")]
    enable_ipv4: bool,
    #[serde(rename = "EnableIPv6")]
    enable_ipv6: bool,
    #[serde(rename = "IPAM")]
    ipam: Ipam,
    internal: bool,
    attachable: bool,
    ingress: bool,
    config_from: ConfigFrom,
    config_only: bool,
    containers: BTreeMap<String, Container>,
    options: BTreeMap<String, String>,
    labels: BTreeMap<String, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Ipam {
    driver: &'static str,
    options: Option<()>,
    config: Vec<Pool>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Pool {
    subnet: String,
    #[serde(rename = "IPRange", skip_serializing_if = "Option::is_none")]
    ip_range: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway: Option<IpAddr>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    auxiliary_addresses: BTreeMap<String, IpAddr>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ConfigFrom {
    network: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Container {
    name: String,
    #[serde(rename = "EndpointID")]
    endpoint_id: String,
    mac_address: String,
    #[serde(rename = "IPv4Address")]
    ipv4_address: String,
    #[serde(rename = "IPv6Address")]
    ipv6_address: String,
}

/// `networks` as an array, or one line each by a `format`.
///
/// # Errors
/// [`TemplateError`].
pub fn as_inspected(networks: &[Shown], format: Option<&str>) -> Result<String, TemplateError> {
    let inspected = networks.iter().map(inspected);
    let value = |of: &Inspected| serde_json::to_value(of).expect("texts and truths serialize");
    match format {
        Some("json") => Ok(format!("{}\n", serde_json::Value::from_iter(inspected.map(|of| value(&of))))),
        Some(template) if !template.is_empty() => {
            inspected.map(|of| render(template, &value(&of)).map(|line| line + "\n")).collect()
        }
        _ => {
            let mut text = Vec::new();
            let mut serializer = Serializer::with_formatter(&mut text, PrettyFormatter::with_indent(b"    "));
            inspected.collect::<Vec<_>>().serialize(&mut serializer).expect("texts and truths serialize");
            text.push(b'\n');
            Ok(String::from_utf8_lossy(&text).into_owned())
        }
    }
}

fn inspected(network: &Shown) -> Inspected {
    let record = &network.record;
    let pools = record.pools.iter().map(|pool| Pool {
        subnet: pool.subnet.clone(),
        ip_range: pool.range.clone(),
        gateway: pool.gateway,
        auxiliary_addresses: pool.reserved.clone(),
    });
    // As with docker, only those that run have a place.
    let running = network.members.iter().filter(|member| member.running);
    let containers = running.map(|member| {
        let octets: Vec<String> = member.endpoint.mac.iter().map(|octet| format!("{octet:02x}")).collect();
        let container = Container {
            name: member.name.to_string(),
            endpoint_id: member.endpoint.id(&member.id, record),
            mac_address: octets.join(":"),
            ipv4_address: network.address(member, IpFamily::V4),
            ipv6_address: network.address(member, IpFamily::V6),
        };
        (member.id.to_string(), container)
    });
    Inspected {
        name: record.name.clone(),
        id: record.id(),
        created: record.created_at.map(|at| at.to_string()).unwrap_or_default(),
        scope: "local",
        driver: record.driver(),
        enable_ipv4: network.has(IpFamily::V4),
        enable_ipv6: network.has(IpFamily::V6),
        ipam: Ipam { driver: "default", options: None, config: pools.collect() },
        internal: record.internal,
        attachable: record.attachable,
        ingress: false,
        config_from: ConfigFrom { network: "" },
        config_only: false,
        containers: containers.collect(),
        options: record.options.clone(),
        labels: network.labels(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::network::tests::shown;

    #[test]
    fn formats() {
        insta::assert_snapshot!(as_inspected(&[shown()], None).unwrap(), @r#"
        [
            {
                "Name": "shop_back",
                "Id": "e7fd03371f77c111c8e62bc1af060dc0d62b556e8429dee7b585e6d72e7d9576",
                "Created": "2026-01-02T03:04:05Z",
                "Scope": "local",
                "Driver": "bridge",
                "EnableIPv4": true,
                "EnableIPv6": true,
                "IPAM": {
                    "Driver": "default",
                    "Options": null,
                    "Config": [
                        {
                            "Subnet": "10.9.0.0/24",
                            "Gateway": "10.9.0.1"
                        },
                        {
                            "Subnet": "fd09::/64",
                            "Gateway": "fd09::1"
                        }
                    ]
                },
                "Internal": true,
                "Attachable": false,
                "Ingress": false,
                "ConfigFrom": {
                    "Network": ""
                },
                "ConfigOnly": false,
                "Containers": {
                    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa": {
                        "Name": "shop-db-1",
                        "EndpointID": "75452238c6b34853c18c09ba0d900704deb1dc234f051bf7eb8b14d53a657c27",
                        "MacAddress": "02:42:0a:09:00:02",
                        "IPv4Address": "10.9.0.2/24",
                        "IPv6Address": "fd09::2/64"
                    }
                },
                "Options": {},
                "Labels": {
                    "com.docker.compose.network": "back",
                    "com.docker.compose.project": "shop",
                    "tier": "back"
                }
            }
        ]
        "#);
        let by = |template| as_inspected(&[shown()], Some(template)).unwrap();
        assert_eq!(by("{{range .IPAM.Config}}{{.Subnet}} {{end}}"), "10.9.0.0/24 fd09::/64 \n");
        assert_eq!(by("{{range .Containers}}{{.Name}} {{.IPv4Address}}{{end}}"), "shop-db-1 10.9.0.2/24\n");
        assert_eq!(as_inspected(&[], None).unwrap(), "[]\n");
    }
}
