//! `spec`: a config.json to begin with.

use std::io::Write as _;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::Failure;
use crate::cli::args::OciSpecArgs;
use crate::runtime::oci::OciError;

/// What runc begins with: a shell on a terminal, in namespaces of its own, that may do little.
const TEMPLATE: &str = include_str!("config.json");

pub(super) fn run(args: &OciSpecArgs) -> Result<ExitCode, Failure> {
    let mut spec: Value = serde_json::from_str(TEMPLATE).map_err(|error| OciError::Channel(error.into()))?;
    if args.rootless {
        without_rights(&mut spec, rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    }
    if !has_one_hierarchy() {
        // Of the several of version 1, a namespace of their own hides nothing that is worth it: as runc has it.
        without_namespace(&mut spec, "cgroup");
    }
    let path = args.bundle.join("config.json");
    let write = || -> std::io::Result<()> {
        // What somebody has written there stays.
        let mut file = fs_err::OpenOptions::new().write(true).create_new(true).open(&path)?;
        writeln!(file, "{spec:#}")
    };
    write().map_err(|source| OciError::Directory { action: "write", path: path.clone(), source })?;
    Ok(ExitCode::SUCCESS)
}

/// Whether all cgroups are of version 2.
fn has_one_hierarchy() -> bool {
    std::path::Path::new("/sys/fs/cgroup/cgroup.controllers").exists()
}

fn without_namespace(spec: &mut Value, kind: &str) {
    if let Some(namespaces) = spec["linux"]["namespaces"].as_array_mut() {
        namespaces.retain(|namespace| namespace["type"] != kind);
    }
}

/// In a user namespace in which the caller is root, and without what the host's root alone may do.
fn without_rights(spec: &mut Value, uid: u32, gid: u32) {
    if let Some(mounts) = spec["mounts"].as_array_mut() {
        mounts.retain(|mount| mount["destination"] != "/sys/fs/cgroup");
        for mount in mounts.iter_mut() {
            if mount["destination"] == "/sys" {
                *mount = json!({
                    "destination": "/sys", "type": "none", "source": "/sys",
                    "options": ["rbind", "nosuid", "noexec", "nodev", "ro"],
                });
            }
            if let Some(options) = mount["options"].as_array_mut() {
                options.retain(|option| !option.as_str().is_some_and(|option| option.starts_with("gid=")));
            }
        }
    }
    let linux = &mut spec["linux"];
    linux["uidMappings"] = json!([{"containerID": 0, "hostID": uid, "size": 1}]);
    linux["gidMappings"] = json!([{"containerID": 0, "hostID": gid, "size": 1}]);
    if let Some(namespaces) = linux["namespaces"].as_array_mut() {
        namespaces.push(json!({"type": "user"}));
    }
    if let Some(linux) = linux.as_object_mut() {
        linux.remove("resources");
    }
    without_namespace(spec, "network");
}
