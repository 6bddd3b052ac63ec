//! `blkio_config`: weights and limits of block devices, by the numbers of the devices on this machine.

use oci_spec::runtime::{LinuxBlockIo, LinuxThrottleDevice, LinuxThrottleDeviceBuilder, LinuxWeightDeviceBuilder};

use super::Machine;
use crate::compose::model::{BlkioConfig, DeviceRate, Service};

/// The paths of all devices that a service limits.
pub fn block_device_paths(service: &Service) -> impl Iterator<Item = &str> {
    let config = service.blkio_config.iter();
    config.flat_map(|config| {
        let rates =
            [&config.device_read_bps, &config.device_read_iops, &config.device_write_bps, &config.device_write_iops];
        let rated = rates.into_iter().flatten().map(|device| device.path.as_str());
        config.weight_device.iter().map(|device| device.path.as_str()).chain(rated)
    })
}

pub(super) fn block_io(config: &BlkioConfig, machine: &Machine) -> Result<Option<LinuxBlockIo>, String> {
    let number = |path: &str| {
        let number = machine.block_devices.get(path).copied();
        number.ok_or_else(|| format!("`blkio_config` names `{path}`, which is not a block device"))
    };
    let weight = |weight: Option<u16>| match weight.filter(|weight| *weight != 0) {
        Some(weight) if !(10..=1000).contains(&weight) => {
            Err(format!("`blkio_config` has a weight of {weight}: it must be from 10 to 1000"))
        }
        weight => Ok(weight),
    };
    let mut weights = Vec::new();
    for device in &config.weight_device {
        let (major, minor) = number(&device.path)?;
        let builder = LinuxWeightDeviceBuilder::default().major(major).minor(minor);
        if let Some(weight) = weight(device.weight)? {
            weights.push(builder.weight(weight).build().expect("every field has a default"));
        }
    }
    let throttles = |rates: &[DeviceRate]| -> Result<Option<Vec<LinuxThrottleDevice>>, String> {
        let throttle = |device: &DeviceRate| {
            let (major, minor) = number(&device.path)?;
            let builder = LinuxThrottleDeviceBuilder::default().major(major).minor(minor);
            Ok(builder.rate(device.rate.unwrap_or_default()).build().expect("every field has a default"))
        };
        let all = rates.iter().map(throttle).collect::<Result<Vec<_>, String>>()?;
        Ok(Some(all).filter(|all| !all.is_empty()))
    };
    let mut block_io = LinuxBlockIo::default();
    block_io
        .set_weight(weight(config.weight)?)
        .set_weight_device(Some(weights).filter(|weights| !weights.is_empty()))
        .set_throttle_read_bps_device(throttles(&config.device_read_bps)?)
        .set_throttle_write_bps_device(throttles(&config.device_write_bps)?)
        .set_throttle_read_iops_device(throttles(&config.device_read_iops)?)
        .set_throttle_write_iops_device(throttles(&config.device_write_iops)?);
    Ok(Some(block_io).filter(|block_io| *block_io != LinuxBlockIo::default()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(config: &serde_json::Value) -> String {
        let config: BlkioConfig = serde_json::from_value(config.clone()).unwrap();
        let block_devices = [("/dev/sda".to_owned(), (8, 0))].into();
        match block_io(&config, &Machine { block_devices, ..Machine::default() }) {
            Ok(block_io) => serde_json::to_string(&block_io).unwrap(),
            Err(reason) => reason,
        }
    }

    #[test]
    fn every_form() {
        insta::assert_snapshot!(check(&json!({
            "weight": 300,
            "weight_device": [{"path": "/dev/sda", "weight": 400}],
            "device_read_bps": [{"path": "/dev/sda", "rate": "12mb"}],
            "device_read_iops": [{"path": "/dev/sda", "rate": "120"}],
            "device_write_bps": [{"path": "/dev/sda", "rate": "1024k"}],
            "device_write_iops": [{"path": "/dev/sda", "rate": "30"}]
        })), @r#"{"weight":300,"weightDevice":[{"major":8,"minor":0,"weight":400}],"throttleReadBpsDevice":[{"major":8,"minor":0,"rate":12582912}],"throttleWriteBpsDevice":[{"major":8,"minor":0,"rate":1048576}],"throttleReadIOPSDevice":[{"major":8,"minor":0,"rate":120}],"throttleWriteIOPSDevice":[{"major":8,"minor":0,"rate":30}]}"#);
        insta::assert_snapshot!(check(&json!({})), @"null");
        insta::assert_snapshot!(check(&json!({"weight": 5})), @"`blkio_config` has a weight of 5: it must be from 10 to 1000");
        insta::assert_snapshot!(
            check(&json!({"device_read_bps": [{"path": "/dev/nosuch", "rate": "1"}]})),
            @"`blkio_config` names `/dev/nosuch`, which is not a block device"
        );
    }
}
