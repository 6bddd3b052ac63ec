//! `x-rcompose`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::element::element;

element! {
    /// What a service may ask of rcompose for which Compose has no attribute.
    pub struct Extension {
        /// `strict_health`: Docker's timing of probes instead of the eager one.
        strict_health: bool,
        /// `dns`: domains whose names are asked of servers of their own, which the machine can reach.
        #[serde(deserialize_with = "super::address::lists")]
        dns: BTreeMap<String, Vec<IpAddr>>,
    }
}
