//! Devices of the host in a container: their nodes, and what may be done with them.

use std::path::{Path, PathBuf};

use oci_spec::runtime::{LinuxDevice, LinuxDeviceCgroup, LinuxDeviceType, Mount, Spec};

use crate::compose::model::{DeviceCount, DeviceRequest, Service};

/// A device of the host, as the caller found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostDevice {
    /// Its path in the container.
    pub path: PathBuf,
    /// Whether it is a block device.
    pub block: bool,
    /// Its number.
    pub major: u32,
    /// Its number among those of `major`.
    pub minor: u32,
    /// The permissions of the node.
    pub mode: u32,
    /// The owner of the node.
    pub uid: u32,
    /// The group of the node.
    pub gid: u32,
    /// What the container may do with it: of `r`, `w` and `m`.
    pub access: String,
}

/// Devices by the kind and the names that the Container Device Interface has for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CdiRequest {
    /// The kinds that it may be, `vendor.com/class`: the first that the machine has.
    pub kinds: Vec<String>,
    /// The names; empty for `count` of them.
    pub names: Vec<String>,
    /// How many; all of them when `None`.
    pub count: Option<u32>,
}

/// Gives a container the nodes of devices, and leave to use them.
pub fn add(spec: &mut Spec, devices: &[HostDevice]) {
    let Some(linux) = spec.linux_mut() else { return };
    let nodes = linux.devices_mut().get_or_insert_default();
    for device in devices {
        // Of two at one path the later one counts.
        nodes.retain(|node| *node.path() != device.path);
        nodes.push(node(device));
    }
    let rules = linux.resources_mut().get_or_insert_default().devices_mut().get_or_insert_default();
    rules.extend(devices.iter().map(rule));
}

/// Gives a container the nodes of all devices of the host, which it has leave to use. Where the service mounts something
/// no node is made: it may be the host's own `/dev`.
pub fn add_all(spec: &mut Spec, devices: &[HostDevice]) {
    let is_own = |mount: &Mount| mount.destination() == Path::new("/dev") && mount.typ().as_deref() == Some("tmpfs");
    let mounts = spec.mounts().iter().flatten().filter(|mount| !is_own(mount));
    let covered: Vec<PathBuf> = mounts.map(|mount| mount.destination().clone()).collect();
    let is_covered = |device: &&HostDevice| covered.iter().any(|target| device.path.starts_with(target));
    let Some(linux) = spec.linux_mut() else { return };
    let nodes = linux.devices_mut().get_or_insert_default();
    nodes.extend(devices.iter().filter(|device| !is_covered(device)).map(node));
}

pub(in crate::supervisor) fn node(device: &HostDevice) -> LinuxDevice {
    let mut node = LinuxDevice::default();
    node.set_path(device.path.clone())
        .set_typ(kind(device))
        .set_major(i64::from(device.major))
        .set_minor(i64::from(device.minor))
        .set_file_mode(Some(device.mode & 0o777))
        .set_uid(Some(device.uid))
        .set_gid(Some(device.gid));
    node
}

fn rule(device: &HostDevice) -> LinuxDeviceCgroup {
    let mut rule = LinuxDeviceCgroup::default();
    *rule.allow_mut() = true;
    *rule.typ_mut() = Some(kind(device));
    *rule.major_mut() = Some(i64::from(device.major));
    *rule.minor_mut() = Some(i64::from(device.minor));
    *rule.access_mut() = Some(device.access.clone());
    rule
}

fn kind(device: &HostDevice) -> LinuxDeviceType {
    if device.block { LinuxDeviceType::B } else { LinuxDeviceType::C }
}

/// What a service asks of the Container Device Interface: the names in `devices`, `gpus`, and
/// `deploy.resources.reservations.devices`.
#[must_use]
pub fn cdi_requests(service: &Service) -> Vec<CdiRequest> {
    let named = service.devices.iter().filter_map(|device| {
        let (kind, name) = device.source.split_once('=').filter(|_| !device.source.starts_with('/'))?;
        Some(CdiRequest { kinds: vec![kind.to_owned()], names: vec![name.to_owned()], count: None })
    });
    let deploy = service.deploy.as_ref().and_then(|deploy| deploy.resources.as_ref()?.reservations.as_ref());
    let reserved = deploy.map(|reservations| reservations.devices.as_slice()).unwrap_or_default();
    named.chain(service.gpus.iter().chain(reserved).flat_map(request)).collect()
}

/// A request of one driver: as many as there are kinds, when `driver: cdi` names devices in full.
fn request(request: &DeviceRequest) -> Vec<CdiRequest> {
    let driver = request.driver.as_deref().unwrap_or_default();
    if driver == "cdi" {
        let full = request.device_ids.iter().filter_map(|name| name.split_once('='));
        let one = |(kind, name): (&str, &str)| CdiRequest {
            kinds: vec![kind.to_owned()],
            names: vec![name.to_owned()],
            count: None,
        };
        return full.map(one).collect();
    }
    let count = match request.count {
        Some(DeviceCount::Some(count)) => Some(count),
        Some(DeviceCount::All) | None => None,
    };
    vec![CdiRequest { kinds: kinds(driver), names: request.device_ids.clone(), count }]
}

/// The kinds of devices that a driver stands for; without one, the vendors of GPUs.
fn kinds(driver: &str) -> Vec<String> {
    match driver {
        "" => ["nvidia.com/gpu", "amd.com/gpu", "intel.com/gpu"].map(str::to_owned).into(),
        kind if kind.contains('/') => vec![kind.to_owned()],
        vendor if vendor.contains('.') => vec![format!("{vendor}/gpu")],
        name => vec![format!("{name}.com/gpu")],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn requests(keys: &Value) -> Vec<String> {
        let mut service = json!({"image": "busybox"});
        service.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
        let service: Service = serde_json::from_value(service).unwrap();
        let text = |request: &CdiRequest| {
            let count = request.count.map(|count| format!("*{count}")).unwrap_or_default();
            format!("{}={}{count}", request.kinds.join("|"), request.names.join(","))
        };
        cdi_requests(&service).iter().map(text).collect()
    }

    #[test]
    fn what_is_asked_for() {
        let gpu = "nvidia.com/gpu|amd.com/gpu|intel.com/gpu=";
        for (keys, expected) in [
            (json!({"devices": [{"source": "/dev/a=b"}, {"source": "v.com/c=x"}]}), vec!["v.com/c=x".to_owned()]),
            (json!({"gpus": [{"count": "all"}]}), vec![gpu.to_owned()]),
            (json!({"gpus": [{"count": "2"}]}), vec![format!("{gpu}*2")]),
            (json!({"gpus": [{"driver": "nvidia", "device_ids": ["0", "1"]}]}), vec!["nvidia.com/gpu=0,1".to_owned()]),
            (json!({"gpus": [{"driver": "amd.com"}]}), vec!["amd.com/gpu=".to_owned()]),
            (
                json!({"deploy": {"resources": {"reservations": {"devices": [
                    {"driver": "cdi", "device_ids": ["v.com/c=x", "w.com/d=y"]}]}}}}),
                vec!["v.com/c=x".to_owned(), "w.com/d=y".to_owned()],
            ),
        ] {
            assert_eq!(requests(&keys), expected, "{keys}");
        }
    }

    fn fuse(path: &str) -> HostDevice {
        HostDevice {
            path: path.into(),
            block: false,
            major: 10,
            minor: 229,
            mode: 0o100_666,
            uid: 0,
            gid: 7,
            access: "rw".to_owned(),
        }
    }

    #[test]
    fn a_node_and_a_rule() {
        let mut spec = Spec::default();
        add(&mut spec, &[fuse("/dev/fuse"), fuse("/dev/fuse")]);
        let linux = serde_json::to_value(spec.linux()).unwrap();
        let node =
            json!({"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 0o666, "uid": 0, "gid": 7});
        assert_eq!(linux["devices"], json!([node]));
        let rules = linux["resources"]["devices"].as_array().unwrap();
        let rule = json!({"allow": true, "type": "c", "major": 10, "minor": 229, "access": "rw"});
        assert_eq!(rules.last().unwrap(), &rule);
    }

    #[test]
    fn no_node_in_what_is_mounted() {
        let all = ["/dev/a", "/dev/bus/usb/001", "/dev/busy", "/dev/disk"].map(fuse);
        let own = json!({"destination": "/dev", "type": "tmpfs"});
        for (mounts, expected) in [
            (json!([own]), vec!["/dev/a", "/dev/bus/usb/001", "/dev/busy", "/dev/disk"]),
            (
                json!([own, {"destination": "/dev/bus/", "type": "bind"}, {"destination": "/dev/disk"}]),
                vec!["/dev/a", "/dev/busy"],
            ),
            (json!([{"destination": "/dev", "type": "bind"}]), vec![]),
        ] {
            let mut spec = Spec::default();
            spec.set_mounts(serde_json::from_value(mounts).unwrap());
            spec.linux_mut().as_mut().unwrap().set_devices(None);
            add_all(&mut spec, &all);
            let nodes = spec.linux().as_ref().unwrap().devices().as_ref().unwrap();
            let paths: Vec<_> = nodes.iter().map(|node| node.path().to_str().unwrap()).collect();
            assert_eq!(paths, expected);
        }
    }
}
