//! `[network]` of the user's `config.toml`.

use std::net::IpAddr;

use serde::Deserialize;

use crate::network::SubnetPool;

/// What it says.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct NetworkSettings {
    /// `publish`: the address of ports that name none.
    pub(super) publish: Option<IpAddr>,
    /// `address_pools`: where the subnets of networks are taken from that name none; of a family that is not among them, as
    /// if it were not there.
    #[serde(default)]
    pub(super) address_pools: Vec<SubnetPool>,
}

impl NetworkSettings {
    /// Reads the text of `config.toml`.
    ///
    /// # Errors
    /// What is wrong with it, with its line.
    pub(super) fn parse(config: &str) -> Result<Self, toml::de::Error> {
        #[derive(Deserialize)]
        struct Document {
            #[serde(default)]
            network: NetworkSettings,
        }
        Ok(toml::from_str::<Document>(config)?.network)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_set() {
        assert_eq!(NetworkSettings::parse(""), Ok(NetworkSettings::default()));
        let set = "[network]\npublish = \"127.0.0.1\"\naddress_pools = [{base = \"10.99.0.0/16\", size = 24}]";
        let pool = SubnetPool::new("10.99.0.0/16".parse().unwrap(), 24).unwrap();
        let publish = Some([127, 0, 0, 1].into());
        assert_eq!(NetworkSettings::parse(set), Ok(NetworkSettings { publish, address_pools: vec![pool] }));
    }

    #[test]
    fn what_cannot_be_set() {
        for (setting, reason) in [
            ("publish = \"here\"", "invalid IP address syntax"),
            ("address_pools = [{base = \"10.99.0.0/16\"}]", "missing field `size`"),
            ("address_pools = [{base = \"10.99.0.0/16\", size = 8}]", "the pool 10.99.0.0/16 has no subnets of size 8"),
            ("address_pools = [{base = \"here\", size = 8}]", "here"),
        ] {
            let error = NetworkSettings::parse(&format!("[network]\n{setting}")).unwrap_err().to_string();
            assert!(error.contains(reason) && error.contains("line 2"), "{error}");
        }
    }
}
