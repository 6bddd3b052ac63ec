//! Devices: `devices`, `gpus`, `deploy.resources.reservations.devices`, and the throughput of `blkio_config`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::amount::bytes;
use super::element::element;
use super::word::as_text;

element! {
    /// A device of the host in the container.
    pub struct DeviceMapping {
        /// `source`: a path on the host, or a name of the Container Device Interface: `vendor.com/class=name`.
        source: String,
        /// `target`: the path in the container.
        target: Option<String>,
        /// `permissions`: of `r`, `w` and `m`.
        permissions: Option<String>,
    }
}

element! {
    /// Devices that a driver chooses.
    pub struct DeviceRequest {
        /// `capabilities`: what the devices can do.
        capabilities: Vec<String>,
        /// `driver`.
        driver: Option<String>,
        /// `count`; all when neither this nor `device_ids` is given.
        count: Option<DeviceCount>,
        /// `device_ids`.
        device_ids: Vec<String>,
        /// `options`.
        options: BTreeMap<String, String>,
    }
}

/// How many devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceCount {
    /// All there are.
    All,
    /// So many.
    Some(u32),
}

impl FromStr for DeviceCount {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" | "-1" => Ok(Self::All),
            _ => text.parse().map(Self::Some).map_err(|_| format!("`{text}` is neither `all` nor a number of devices")),
        }
    }
}

impl fmt::Display for DeviceCount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => formatter.write_str("all"),
            Self::Some(count) => count.fmt(formatter),
        }
    }
}

as_text!(DeviceCount);

element! {
    /// `blkio_config`.
    pub struct BlkioConfig {
        /// `weight`, 10 to 1000.
        weight: Option<u16>,
        /// `weight_device`.
        weight_device: Vec<DeviceWeight>,
        /// `device_read_bps`.
        device_read_bps: Vec<DeviceRate>,
        /// `device_read_iops`.
        device_read_iops: Vec<DeviceRate>,
        /// `device_write_bps`.
        device_write_bps: Vec<DeviceRate>,
        /// `device_write_iops`.
        device_write_iops: Vec<DeviceRate>,
    }
}

element! {
    /// One of `weight_device`.
    pub struct DeviceWeight {
        /// `path` of the device.
        #[serde(alias = "Path")]
        path: String,
        /// `weight`, 10 to 1000.
        #[serde(alias = "Weight")]
        weight: Option<u16>,
    }
}

element! {
    /// A limit of one device.
    pub struct DeviceRate {
        /// `path` of the device.
        #[serde(alias = "Path")]
        path: String,
        /// `rate`: bytes or operations a second.
        #[serde(alias = "Rate", with = "bytes")]
        rate: Option<u64>,
    }
}
