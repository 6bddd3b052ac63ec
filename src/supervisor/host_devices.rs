//! Looks up what the host has of the devices that a service asks for.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use oci_spec::runtime::{LinuxDevice, Spec};

use super::failure::{Failure, FailureKind};
use super::lower::cdi::{self, CdiSpec, Edits};
use super::lower::devices::{self, HostDevice};
use crate::compose::model::Service;

/// Where vendors describe their devices; what is in the later one counts. See the CDI specification.
const CDI: [&str; 2] = ["/etc/cdi", "/var/run/cdi"];
/// What a container has of its own in `/dev`, and what hosts have there for others.
const NOT_SHARED: [&str; 9] = ["console", "fd", "mqueue", "ptmx", "pts", "shm", ".lxc", ".lxd-mounts", ".udev"];
/// How deep a directory of devices may be.
const MOST_DEPTH: usize = 8;

/// The devices of a service, as they are at this moment.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Every device there is, for a privileged service.
    all: Vec<HostDevice>,
    devices: Vec<HostDevice>,
    edits: Edits,
}

/// Finds the devices of a service: nothing is remembered, since what is plugged in again has another number.
pub(super) fn find(service: &Service) -> Result<Found, Failure> {
    let mut found = Found::default();
    if service.privileged {
        collect_all(Path::new("/dev"), MOST_DEPTH, &mut found.all)?;
    }
    for device in service.devices.iter().filter(|device| device.source.starts_with('/')) {
        let target = device.target.as_deref().unwrap_or(&device.source);
        let access = device.permissions.as_deref().filter(|access| !access.is_empty()).unwrap_or("rwm");
        let before = found.devices.len();
        collect(Path::new(&device.source), Path::new(target), access, MOST_DEPTH, &mut found.devices)?;
        if found.devices.len() == before {
            return Err(missing(Path::new(&device.source), "it holds no device"));
        }
    }
    let requests = devices::cdi_requests(service);
    if requests.is_empty() {
        return Ok(found);
    }
    let edits = cdi::resolve(&requests, &specs()?, &CDI.map(Path::new))
        .map_err(|error| Failure::from_error(FailureKind::DeviceMissing, &error))?;
    for node in &edits.device_nodes {
        let mut device = look(node.host_path.as_deref().unwrap_or(&node.path))?;
        device.path.clone_from(&node.path);
        device.mode = node.file_mode.unwrap_or(device.mode);
        device.uid = node.uid.unwrap_or(device.uid);
        device.gid = node.gid.unwrap_or(device.gid);
        device.access = node.permissions.clone().unwrap_or_else(|| "rwm".to_owned());
        found.devices.push(device);
    }
    found.edits = edits;
    Ok(found)
}

impl Found {
    /// Gives them to a container, with the further groups of its user.
    pub(super) fn give(&self, spec: &mut Spec, group_add: &mut Vec<String>) {
        if !self.all.is_empty() {
            devices::add_all(spec, &self.all);
        }
        if !self.devices.is_empty() {
            devices::add(spec, &self.devices);
        }
        self.edits.apply(spec);
        group_add.extend(self.edits.additional_gids.iter().map(u32::to_string));
    }
}

/// The nodes of every device there is, for programs of builds that are not confined.
///
/// # Errors
/// A directory that cannot be read.
pub fn device_nodes() -> io::Result<Vec<LinuxDevice>> {
    let mut all = Vec::new();
    collect_all(Path::new("/dev"), MOST_DEPTH, &mut all)?;
    Ok(all.iter().map(devices::node).collect())
}

/// Every device below a directory of `/dev`. A link to a device is not another one, and what vanishes meanwhile was not there.
fn collect_all(directory: &Path, depth: usize, devices: &mut Vec<HostDevice>) -> io::Result<()> {
    let mut entries: Vec<_> = match fs_err::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?.filter_map(Result::ok).collect(),
    };
    entries.sort_by_key(|entry| entry.file_name());
    for entry in entries {
        let Ok(metadata) = fs_err::symlink_metadata(entry.path()) else { continue };
        if NOT_SHARED.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        if metadata.is_dir() && depth > 0 {
            collect_all(&entry.path(), depth - 1, devices)?;
        } else {
            devices.extend(device(&entry.path(), &metadata));
        }
    }
    Ok(())
}

/// The device at `source`, or, of a directory, every device below it.
fn collect(
    source: &Path,
    target: &Path,
    access: &str,
    depth: usize,
    devices: &mut Vec<HostDevice>,
) -> Result<(), Failure> {
    // A link to a device is one: `/dev/disk/by-id`.
    let metadata = fs_err::metadata(source).map_err(|error| not_there(source, &error))?;
    if !metadata.is_dir() {
        devices.push(HostDevice { path: target.to_owned(), access: access.to_owned(), ..look(source)? });
        return Ok(());
    }
    let mut names: Vec<_> = fs_err::read_dir(source)?.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
    names.sort();
    for name in names {
        let path = source.join(&name);
        // Other files of the directory are not meant, and what vanishes meanwhile was not there.
        let Ok(metadata) = fs_err::symlink_metadata(&path) else { continue };
        let kind = metadata.file_type();
        if kind.is_char_device() || kind.is_block_device() || (kind.is_dir() && depth > 0) {
            collect(&path, &target.join(&name), access, depth.saturating_sub(1), devices)?;
        }
    }
    Ok(())
}

/// What the host says of the device at a path.
fn look(path: &Path) -> Result<HostDevice, Failure> {
    let metadata = fs_err::metadata(path).map_err(|error| not_there(path, &error))?;
    device(path, &metadata).ok_or_else(|| missing(path, "it is not a device"))
}

fn device(path: &Path, metadata: &Metadata) -> Option<HostDevice> {
    let kind = metadata.file_type();
    (kind.is_char_device() || kind.is_block_device()).then(|| HostDevice {
        path: path.to_owned(),
        block: kind.is_block_device(),
        major: rustix::fs::major(metadata.rdev()),
        minor: rustix::fs::minor(metadata.rdev()),
        mode: metadata.mode(),
        uid: metadata.uid(),
        gid: metadata.gid(),
        access: "rwm".to_owned(),
    })
}

fn not_there(path: &Path, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => missing(path, "it does not exist"),
        _ => missing(path, &error.to_string()),
    }
}

fn missing(path: &Path, why: &str) -> Failure {
    Failure::new(FailureKind::DeviceMissing, format!("no device at {}: {why}", path.display()))
}

/// What the vendors of this machine's devices say, in order of precedence, the highest last.
fn specs() -> Result<Vec<CdiSpec>, Failure> {
    let mut specs = Vec::new();
    for directory in CDI {
        let entries = match fs_err::read_dir(directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.sort();
        for file in files {
            if let Some("json" | "yaml" | "yml") = file.extension().and_then(|extension| extension.to_str()) {
                specs.push(read(&file)?);
            }
        }
    }
    Ok(specs)
}

/// Reads one file; JSON is YAML.
fn read(file: &Path) -> Result<CdiSpec, Failure> {
    let invalid = |reason: String| {
        let message = format!("{} is not a CDI specification: {reason}", file.display());
        Failure::new(FailureKind::DeviceMissing, message)
    };
    let text = fs_err::read_to_string(file)?;
    let value = crate::compose::yaml_value(&text).map_err(invalid)?;
    serde_json::from_value(value).map_err(|error| invalid(error.to_string()))
}
