//! What a network is made as: its driver, and the options that Docker's drivers have, with their names.

use std::net::Ipv4Addr;
use std::str::FromStr;

use super::{Attachment, Network};

/// The options of a network that mean something here. See
/// <https://docs.docker.com/engine/network/drivers/bridge/#options>.
pub const NETWORK_OPTIONS: &[&str] = &[
    BRIDGE_NAME,
    ICC,
    MASQUERADE,
    HOST_BINDING,
    INTERFACE_PREFIX,
    MTU,
    GATEWAY_MODE_IPV4,
    GATEWAY_MODE_IPV6,
    PARENT,
    MACVLAN_MODE,
    IPVLAN_MODE,
    IPVLAN_FLAG,
];
/// `com.docker.network.bridge.name`.
pub const BRIDGE_NAME: &str = "com.docker.network.bridge.name";
/// `com.docker.network.bridge.enable_icc`.
pub const ICC: &str = "com.docker.network.bridge.enable_icc";
/// `com.docker.network.bridge.enable_ip_masquerade`.
pub const MASQUERADE: &str = "com.docker.network.bridge.enable_ip_masquerade";
/// `com.docker.network.bridge.host_binding_ipv4`.
pub const HOST_BINDING: &str = "com.docker.network.bridge.host_binding_ipv4";
/// `com.docker.network.container_iface_prefix`.
pub const INTERFACE_PREFIX: &str = "com.docker.network.container_iface_prefix";
/// `com.docker.network.driver.mtu`.
pub const MTU: &str = "com.docker.network.driver.mtu";
/// `com.docker.network.bridge.gateway_mode_ipv4`.
pub const GATEWAY_MODE_IPV4: &str = "com.docker.network.bridge.gateway_mode_ipv4";
/// `com.docker.network.bridge.gateway_mode_ipv6`.
pub const GATEWAY_MODE_IPV6: &str = "com.docker.network.bridge.gateway_mode_ipv6";
/// `parent`, of macvlan and ipvlan.
pub const PARENT: &str = "parent";
/// `macvlan_mode`.
pub const MACVLAN_MODE: &str = "macvlan_mode";
/// `ipvlan_mode`.
pub const IPVLAN_MODE: &str = "ipvlan_mode";
/// `ipvlan_flag`.
pub const IPVLAN_FLAG: &str = "ipvlan_flag";

/// The options of an endpoint that mean something here.
pub const ENDPOINT_OPTIONS: &[&str] = &[INTERFACE_NAME, INTERFACE_SYSCTLS];
/// `com.docker.network.endpoint.ifname`.
pub const INTERFACE_NAME: &str = "com.docker.network.endpoint.ifname";
/// `com.docker.network.endpoint.sysctls`: a list, `IFNAME` in it being the interface.
pub const INTERFACE_SYSCTLS: &str = "com.docker.network.endpoint.sysctls";

/// What a network is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetworkDriver {
    /// A bridge.
    Bridge,
    /// That of the host.
    Host,
    /// A loopback.
    None,
    /// Links with addresses of their own on a link of the host.
    Macvlan,
    /// The same with the hardware address of that link.
    Ipvlan,
}

/// What becomes of packets between a network and the outside.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum GatewayMode {
    /// Addresses are translated, and only published ports are let in.
    #[default]
    Nat,
    /// As [`GatewayMode::Nat`], and everything is let in.
    NatUnprotected,
    /// Addresses are what they are, and only published ports are let in.
    Routed,
    /// The host has no address in the network.
    Isolated,
}

impl FromStr for GatewayMode {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "nat" | "" => Ok(Self::Nat),
            "nat-unprotected" => Ok(Self::NatUnprotected),
            "routed" => Ok(Self::Routed),
            "isolated" => Ok(Self::Isolated),
            _ => Err(()),
        }
    }
}

impl Network {
    /// What it is made of: the networks that Docker has from the start are known by their names.
    #[must_use]
    pub fn kind(&self) -> NetworkDriver {
        match (self.driver.as_deref(), self.name.as_str()) {
            (Some("host"), _) | (_, "host") if self.external || self.driver.is_some() => NetworkDriver::Host,
            (Some("none" | "null"), _) | (_, "none") if self.external || self.driver.is_some() => NetworkDriver::None,
            (Some("macvlan"), _) => NetworkDriver::Macvlan,
            (Some("ipvlan"), _) => NetworkDriver::Ipvlan,
            _ => NetworkDriver::Bridge,
        }
    }

    /// An option of its driver, if it says anything.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&str> {
        self.driver_opts.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// An option that is on or off.
    #[must_use]
    pub fn flag(&self, name: &str, otherwise: bool) -> bool {
        self.option(name).and_then(boolean).unwrap_or(otherwise)
    }

    /// What becomes of packets between it and the outside.
    #[must_use]
    pub fn gateway_mode(&self, is_ipv4: bool) -> GatewayMode {
        let option = self.option(if is_ipv4 { GATEWAY_MODE_IPV4 } else { GATEWAY_MODE_IPV6 });
        option.and_then(|mode| mode.parse().ok()).unwrap_or_default()
    }

    /// The address on which ports of its containers are published that name none.
    #[must_use]
    pub fn host_binding(&self) -> Option<Ipv4Addr> {
        self.option(HOST_BINDING).and_then(|address| address.parse().ok())
    }
}

impl Attachment {
    /// What the container is to call its end.
    #[must_use]
    pub fn interface(&self) -> Option<&str> {
        let option = || self.driver_opts.get(INTERFACE_NAME).map(String::as_str);
        self.interface_name.as_deref().or_else(option).filter(|name| !name.is_empty())
    }

    /// The kernel parameters of its end, which is called `interface`, in order: paths below `/proc/sys`.
    pub fn sysctls(&self, interface: &str) -> impl Iterator<Item = (String, String)> {
        let text = self.driver_opts.get(INTERFACE_SYSCTLS).map(String::as_str).unwrap_or_default();
        text.split(',').filter_map(move |setting| {
            let (name, value) = setting.trim().split_once('=')?;
            Some((name.replace('.', "/").replace("IFNAME", interface), value.to_owned()))
        })
    }
}

/// A text that is on or off, as Docker reads options.
#[must_use]
pub fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// Why the kernel has no link of this name, if it cannot.
#[must_use]
pub fn invalid_link_name(name: &str) -> Option<&'static str> {
    if name.len() > 15 {
        Some("the name of an interface has at most 15 characters")
    } else if name.is_empty() || matches!(name, "." | ".." | "all" | "default" | "lo") {
        Some("no interface can be called that")
    } else if name.chars().any(|character| !character.is_ascii_graphic() || matches!(character, '/' | ':' | '%')) {
        Some("the name of an interface is made of visible ASCII characters other than `/`, `:` and `%`")
    } else {
        None
    }
}

/// Whether a kernel parameter is one of a link alone, `IFNAME` standing for its name.
#[must_use]
pub fn is_interface_sysctl(setting: &str) -> bool {
    let name = setting.trim().split_once('=').map_or("", |(name, _)| name);
    let parts: Vec<&str> = name.split('.').collect();
    matches!(parts[..], ["net", "ipv4" | "ipv6" | "mpls", "conf" | "neigh", "IFNAME", _])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_have_names_that_dockers_have() {
        assert!(
            NETWORK_OPTIONS.iter().all(|option| option.starts_with("com.docker.network.") || !option.contains('.'))
        );
    }

    #[test]
    fn names_of_links() {
        for (name, valid) in [
            ("eth0", true),
            ("fifteen-letters", true),
            ("sixteen-letters-", false),
            ("a b", false),
            ("a/b", false),
            ("a:1", false),
            ("..", false),
            ("lo", false),
            ("é", false),
        ] {
            assert_eq!(invalid_link_name(name).is_none(), valid, "{name}");
        }
    }

    #[test]
    fn kernel_parameters_of_an_interface() {
        for (setting, valid) in [
            ("net.ipv4.conf.IFNAME.rp_filter=0", true),
            ("net.ipv6.neigh.IFNAME.retrans_time_ms=500", true),
            ("net.ipv4.conf.all.rp_filter=0", false),
            ("net.ipv4.ip_forward=1", false),
            ("net.ipv4.conf.IFNAME.rp_filter", false),
        ] {
            assert_eq!(is_interface_sysctl(setting), valid, "{setting}");
        }
        let options = [(INTERFACE_SYSCTLS.to_owned(), "net.ipv4.conf.IFNAME.a=1, net.ipv6.conf.IFNAME.b=2".to_owned())];
        let attachment = Attachment { driver_opts: options.into(), ..Attachment::default() };
        let of = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let expected = [("net/ipv4/conf/eth3.1/a", "1"), ("net/ipv6/conf/eth3.1/b", "2")];
        assert_eq!(attachment.sysctls("eth3.1").collect::<Vec<_>>(), expected.iter().map(of).collect::<Vec<_>>());
    }
}
