//! The Container Device Interface: what a vendor says a container needs in order to use a device.
//!
//! See <https://github.com/cncf-tags/container-device-interface/blob/v0.8.0/SPEC.md>.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use oci_spec::runtime::{Hook, Hooks, Mount, Spec};
use serde::Deserialize;

use super::devices::CdiRequest;

/// One file of a vendor.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CdiSpec {
    /// `vendor.com/class`.
    pub kind: String,
    /// The devices.
    #[serde(default)]
    pub devices: Vec<CdiDevice>,
    /// What every container with any of the devices needs.
    #[serde(default)]
    pub container_edits: Edits,
}

/// A device of a vendor.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CdiDevice {
    /// Its name, which is unique in its kind.
    pub name: String,
    /// What a container with it needs.
    #[serde(default)]
    pub container_edits: Edits,
}

/// Changes of a container.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Edits {
    /// Variables: `NAME=value`.
    pub env: Vec<String>,
    /// Nodes of devices.
    pub device_nodes: Vec<DeviceNode>,
    /// Files and directories of the host.
    pub mounts: Vec<CdiMount>,
    /// Programs that are run around the life of the container.
    pub hooks: Vec<CdiHook>,
    /// Network devices of the host that are moved into the container.
    pub net_devices: Vec<serde_json::Value>,
    /// The share of caches and of the bandwidth to memory.
    pub intel_rdt: Option<serde_json::Value>,
    /// Further groups of its user.
    #[serde(alias = "additionalGIDs")]
    pub additional_gids: Vec<u32>,
}

/// A node of a device.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceNode {
    /// Its path in the container.
    pub path: PathBuf,
    /// Its path on the host, where that is another one.
    pub host_path: Option<PathBuf>,
    /// What may be done with it; everything when `None`.
    pub permissions: Option<String>,
    /// The permissions of the node; those of the host's when `None`.
    pub file_mode: Option<u32>,
    /// The owner of the node.
    pub uid: Option<u32>,
    /// The group of the node.
    pub gid: Option<u32>,
}

/// A program that is run at a point of the life of the container.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CdiHook {
    /// When.
    pub hook_name: HookName,
    /// Which: an absolute path.
    pub path: PathBuf,
    /// Its arguments, its name first.
    pub args: Option<Vec<String>>,
    /// Its variables: `NAME=value`.
    pub env: Option<Vec<String>>,
    /// How many seconds it has.
    pub timeout: Option<i64>,
}

/// A point of the life of a container, as the runtime specification has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HookName {
    /// Of old, what [`Self::CreateRuntime`] is now.
    Prestart,
    /// Its namespaces are there.
    CreateRuntime,
    /// Its mounts are there too; in its namespaces.
    CreateContainer,
    /// Its program is about to be executed; in the container.
    StartContainer,
    /// Its program has been executed.
    Poststart,
    /// It has ended.
    Poststop,
}

/// A file or directory of the host.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CdiMount {
    /// Its path on the host.
    pub host_path: PathBuf,
    /// Its path in the container.
    pub container_path: PathBuf,
    /// As `mount(8)` takes them.
    #[serde(default)]
    pub options: Vec<String>,
}

/// Why devices cannot be had by their names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CdiError {
    /// No file describes such a device.
    #[error("no CDI specification of this machine describes `{device}`: there is {known} below {}", directories.join(" and "))]
    Unknown {
        /// What was asked for.
        device: String,
        /// The devices there are.
        known: String,
        /// Where was looked.
        directories: Vec<String>,
    },
    /// Fewer than asked for.
    #[error("{wanted} devices of `{kind}` are asked for, and this machine has {found}")]
    TooFew {
        /// The kind.
        kind: String,
        /// How many are asked for.
        wanted: u32,
        /// How many there are.
        found: usize,
    },
    /// Something that a container would not get, and be another one without.
    #[error("the CDI specification of `{device}` has `{field}`, which is not supported yet")]
    Unsupported {
        /// The device.
        device: String,
        /// The field of its edits.
        field: &'static str,
    },
}

/// Merges what is needed for the devices of `requests`. `specs` are in order: a device that is in several is that of the
/// last.
///
/// # Errors
/// [`CdiError`]
pub fn resolve(requests: &[CdiRequest], specs: &[CdiSpec], directories: &[&Path]) -> Result<Edits, CdiError> {
    let mut by_name: BTreeMap<(&str, &str), (usize, &CdiDevice)> = BTreeMap::new();
    for (index, spec) in specs.iter().enumerate() {
        by_name.extend(spec.devices.iter().map(|device| ((&*spec.kind, &*device.name), (index, device))));
    }
    let mut edits = Edits::default();
    let mut used = Vec::new();
    for request in requests {
        let of = |kind: &str| by_name.keys().filter(|(of, _)| *of == kind).map(|(_, name)| *name).collect::<Vec<_>>();
        let kind = request.kinds.iter().find(|kind| !of(kind).is_empty()).unwrap_or(&request.kinds[0]);
        for name in names(request, kind, &of(kind))? {
            let Some((spec, device)) = by_name.get(&(kind.as_str(), name.as_str())) else {
                let known: Vec<_> = by_name.keys().map(|(kind, name)| format!("`{kind}={name}`")).collect();
                return Err(CdiError::Unknown {
                    device: if name == "all" { kind.clone() } else { format!("{kind}={name}") },
                    known: if known.is_empty() { "none".to_owned() } else { known.join(", ") },
                    directories: directories.iter().map(|path| path.display().to_string()).collect(),
                });
            };
            // What is common to the devices of a file comes once, before them.
            if !used.contains(spec) {
                used.push(*spec);
                edits.merge(&specs[*spec].container_edits);
            }
            edits.merge(&device.container_edits);
            if let Some(field) = edits.unsupported() {
                return Err(CdiError::Unsupported { device: format!("{kind}={name}"), field });
            }
        }
    }
    Ok(edits)
}

/// The names of the devices that a request means.
fn names(request: &CdiRequest, kind: &str, there: &[&str]) -> Result<Vec<String>, CdiError> {
    if !request.names.is_empty() {
        return Ok(request.names.clone());
    }
    let single = |name: &&&str| **name != "all";
    match request.count {
        // Vendors describe all of them as one device of that name; where one does not, each is taken.
        None if there.contains(&"all") || there.is_empty() => Ok(vec!["all".to_owned()]),
        None => Ok(there.iter().map(|name| (*name).to_owned()).collect()),
        Some(count) => {
            let wanted = usize::try_from(count).unwrap_or(usize::MAX);
            let numbered: Vec<String> = (0..count).map(|number| number.to_string()).collect();
            if numbered.iter().all(|number| there.contains(&number.as_str())) {
                return Ok(numbered);
            }
            let found = there.iter().filter(single).count();
            if found < wanted {
                return Err(CdiError::TooFew { kind: kind.to_owned(), wanted: count, found });
            }
            Ok(there.iter().filter(single).take(wanted).map(|name| (*name).to_owned()).collect())
        }
    }
}

impl CdiHook {
    fn add(&self, hooks: &mut Hooks) {
        let mut hook = Hook::default();
        hook.set_path(self.path.clone())
            .set_args(self.args.clone())
            .set_env(self.env.clone())
            .set_timeout(self.timeout);
        let hooks = match self.hook_name {
            HookName::Prestart => hooks.prestart_mut(),
            HookName::CreateRuntime => hooks.create_runtime_mut(),
            HookName::CreateContainer => hooks.create_container_mut(),
            HookName::StartContainer => hooks.start_container_mut(),
            HookName::Poststart => hooks.poststart_mut(),
            HookName::Poststop => hooks.poststop_mut(),
        };
        hooks.get_or_insert_default().push(hook);
    }
}

impl Edits {
    /// The first field that nothing is made of.
    fn unsupported(&self) -> Option<&'static str> {
        let fields = [("netDevices", !self.net_devices.is_empty()), ("intelRdt", self.intel_rdt.is_some())];
        fields.into_iter().find(|(_, given)| *given).map(|(field, _)| field)
    }

    fn merge(&mut self, more: &Self) {
        self.env.extend(more.env.iter().cloned());
        self.device_nodes.extend(more.device_nodes.iter().cloned());
        self.mounts.extend(more.mounts.iter().cloned());
        self.hooks.extend(more.hooks.iter().cloned());
        self.net_devices.extend(more.net_devices.iter().cloned());
        self.intel_rdt = self.intel_rdt.take().or_else(|| more.intel_rdt.clone());
        self.additional_gids.extend(&more.additional_gids);
    }

    /// Makes the changes of variables, mounts and hooks; nodes and groups are looked up, and added, by the caller.
    pub fn apply(&self, spec: &mut Spec) {
        if let Some(process) = spec.process_mut() {
            let variables = process.env_mut().get_or_insert_default();
            for variable in &self.env {
                let name = variable.split('=').next().unwrap_or_default();
                variables.retain(|old| old.split('=').next() != Some(name));
                variables.push(variable.clone());
            }
        }
        let mounts = spec.mounts_mut().get_or_insert_default();
        for edit in &self.mounts {
            let mut options = edit.options.clone();
            if !options.iter().any(|option| matches!(option.as_str(), "bind" | "rbind")) {
                options.push("rbind".to_owned());
            }
            let mut mount = Mount::default();
            mount
                .set_destination(edit.container_path.clone())
                .set_typ(Some("bind".to_owned()))
                .set_source(Some(edit.host_path.clone()))
                .set_options(Some(options));
            mounts.retain(|old| *old.destination() != edit.container_path);
            mounts.push(mount);
        }
        if !self.hooks.is_empty() {
            let hooks = spec.hooks_mut().get_or_insert_default();
            self.hooks.iter().for_each(|hook| hook.add(hooks));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn resolved(request: (&[&str], &[&str], Option<u32>)) -> Result<Edits, String> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let device = |name: &str| json!({"name": name, "containerEdits": {"env": [format!("D={name}")]}});
        let spec = |kind: &str, names: &[&str]| -> CdiSpec {
            let devices: Vec<_> = names.iter().map(|name| device(name)).collect();
            let edits = json!({"env": ["COMMON=1"]});
            serde_json::from_value(
                json!({"cdiVersion": "0.8.0", "kind": kind, "devices": devices, "containerEdits": edits}),
            )
            .unwrap()
        };
        let specs = [spec("amd.com/gpu", &["0", "1", "all"]), spec("v.com/net", &["a", "b"])];
        let (kinds, names, count) = request;
        let request = CdiRequest { kinds: words(kinds), names: words(names), count };
        resolve(&[request], &specs, &[Path::new("/etc/cdi")]).map_err(|error| error.to_string())
    }

    #[test]
    fn requests_to_edits() {
        let both: &[&str] = &["nvidia.com/gpu", "amd.com/gpu"];
        for (request, expected) in [
            ((both, &[] as &[&str], None), &["all"] as &[&str]),
            ((both, &[], Some(2)), &["0", "1"]),
            ((both, &["1"], None), &["1"]),
            ((&["v.com/net"], &[], None), &["a", "b"]),
            ((&["v.com/net"], &[], Some(1)), &["a"]),
        ] {
            let mut variables = vec!["COMMON=1".to_owned()];
            variables.extend(expected.iter().map(|name| format!("D={name}")));
            assert_eq!(resolved(request).unwrap().env, variables, "{request:?}");
        }
    }

    #[test]
    fn what_is_not_there() {
        let unknown = "no CDI specification of this machine describes `x.com/y=z`: there is `amd.com/gpu=0`, \
                       `amd.com/gpu=1`, `amd.com/gpu=all`, `v.com/net=a`, `v.com/net=b` below /etc/cdi";
        assert_eq!(resolved((&["x.com/y"], &["z"], None)).unwrap_err(), unknown);
        let few = "3 devices of `v.com/net` are asked for, and this machine has 2";
        assert_eq!(resolved((&["v.com/net"], &[], Some(3))).unwrap_err(), few);
    }
}
