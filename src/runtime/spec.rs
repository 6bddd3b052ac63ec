//! What a specification asks for is done or refused by name, before anything is made.

pub(super) mod process;
mod sysctl;

use oci_spec::runtime::{Linux, LinuxDeviceType, LinuxIdMapping, LinuxNamespaceType, Mount, Spec};

use super::id_map;

/// Why a specification is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// A field that this runtime does not honour.
    #[error("`{field}` is not supported{reason}")]
    Unsupported {
        /// Its path in the configuration.
        field: String,
        /// Why, or nothing: begins with a colon.
        reason: &'static str,
    },
    /// A field holds what it must not.
    #[error("`{field}` is not valid: {reason}")]
    Invalid {
        /// Its path in the configuration.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A field makes sense only in a namespace of the container's own: it would change the host.
    #[error("`{field}` needs a namespace of type `{namespace}` of the container's own")]
    NeedsNamespace {
        /// Its path in the configuration.
        field: String,
        /// The kind as the configuration spells it.
        namespace: &'static str,
    },
}

impl SpecError {
    fn unsupported(field: impl Into<String>) -> Self {
        Self::Unsupported { field: field.into(), reason: "" }
    }

    fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), reason: reason.into() }
    }
}

/// Checks what can be checked without making anything.
pub(super) fn check(spec: &Spec) -> Result<(), SpecError> {
    let others = [
        ("solaris", spec.solaris().is_some()),
        ("vm", spec.vm().is_some()),
        ("windows", spec.windows().is_some()),
        ("zos", spec.zos().is_some()),
    ];
    if let Some((field, _)) = others.into_iter().find(|(_, given)| *given) {
        return Err(SpecError::Unsupported { field: field.to_owned(), reason: ": this is Linux" });
    }
    let namespaces = Kinds::of(spec)?;
    for (field, given) in [("hostname", spec.hostname()), ("domainname", spec.domainname())] {
        if given.is_some() {
            namespaces.needed(field, LinuxNamespaceType::Uts, "uts")?;
        }
    }
    if let Some(process) = spec.process() {
        process::check(process)?;
    }
    let linux = spec.linux().as_ref();
    user_mappings(linux, &namespaces)?;
    for (index, mount) in spec.mounts().iter().flatten().enumerate() {
        check_mount(index, mount, namespaces.is_own(LinuxNamespaceType::User))?;
    }
    linux.map_or(Ok(()), |linux| check_linux(linux, &namespaces))
}

/// The kinds of namespaces that are not the host's.
struct Kinds(Vec<(LinuxNamespaceType, bool)>);

impl Kinds {
    fn of(spec: &Spec) -> Result<Self, SpecError> {
        let namespaces = spec.linux().as_ref().and_then(|linux| linux.namespaces().as_deref()).unwrap_or_default();
        let mut kinds = Self(Vec::new());
        for namespace in namespaces {
            if kinds.0.iter().any(|(kind, _)| *kind == namespace.typ()) {
                let reason = format!("there are two of type `{}`", namespace.typ());
                return Err(SpecError::invalid("linux.namespaces", reason));
            }
            kinds.0.push((namespace.typ(), namespace.path().is_some()));
        }
        let field = "linux.namespaces".to_owned();
        match kinds.0.iter().find(|(kind, _)| *kind == LinuxNamespaceType::Mount) {
            None => Err(SpecError::Unsupported { field, reason: " without one of type `mount`" }),
            Some((_, true)) if kinds.is_own(LinuxNamespaceType::User) => {
                // In a user namespace, init would have no right to mount in what is outside of it.
                Err(SpecError::Unsupported { field, reason: " with a path for type `mount` and one of type `user`" })
            }
            Some(_) => Ok(kinds),
        }
    }

    /// Made for the container, or joined.
    fn is_own(&self, wanted: LinuxNamespaceType) -> bool {
        self.0.iter().any(|(kind, _)| *kind == wanted)
    }

    fn is_new(&self, wanted: LinuxNamespaceType) -> bool {
        self.0.contains(&(wanted, false))
    }

    fn needed(&self, field: &str, kind: LinuxNamespaceType, namespace: &'static str) -> Result<(), SpecError> {
        if self.is_own(kind) { Ok(()) } else { Err(SpecError::NeedsNamespace { field: field.to_owned(), namespace }) }
    }
}

fn user_mappings(linux: Option<&Linux>, namespaces: &Kinds) -> Result<(), SpecError> {
    let Some(linux) = linux else { return Ok(()) };
    for (field, mappings) in [("linux.uidMappings", linux.uid_mappings()), ("linux.gidMappings", linux.gid_mappings())]
    {
        let mappings = mappings.as_deref().unwrap_or_default();
        if namespaces.is_new(LinuxNamespaceType::User) {
            check_mappings(field, mappings)?;
            // Init mounts and makes what the container is made of as root inside.
            if id_map::to_host(mappings, 0).is_none() {
                return Err(SpecError::invalid(field, "id 0 of the container is not mapped"));
            }
        } else if !mappings.is_empty() {
            let reason = match namespaces.is_own(LinuxNamespaceType::User) {
                true => "a user namespace that is joined has its mappings already",
                false => "there is no user namespace in `linux.namespaces`",
            };
            return Err(SpecError::invalid(field, reason));
        }
    }
    Ok(())
}

fn check_mappings(field: &str, mappings: &[LinuxIdMapping]) -> Result<(), SpecError> {
    id_map::mistake(mappings).map_or(Ok(()), |reason| Err(SpecError::invalid(field, reason)))
}

fn check_mount(index: usize, mount: &Mount, has_user_namespace: bool) -> Result<(), SpecError> {
    let options = || mount.options().iter().flatten().map(String::as_str);
    let is_bind = mount.typ().as_deref() == Some("bind") || options().any(|option| matches!(option, "bind" | "rbind"));
    let asked = options().find(|option| matches!(*option, "idmap" | "ridmap"));
    match (mount.uid_mappings(), mount.gid_mappings()) {
        (None, None) => {}
        (Some(uids), Some(gids)) => {
            check_mappings(&format!("mounts[{index}].uidMappings"), uids)?;
            check_mappings(&format!("mounts[{index}].gidMappings"), gids)?;
        }
        _ => {
            let field = format!("mounts[{index}].uidMappings");
            return Err(SpecError::invalid(field, "it goes with `gidMappings`, and that with it"));
        }
    }
    let is_mapped = mount.uid_mappings().is_some();
    if (asked.is_some() || is_mapped) && !is_bind {
        let field = format!("mounts[{index}].options");
        return Err(SpecError::invalid(field, "only a bind mount can map ids"));
    }
    if asked.is_some() && !is_mapped && !has_user_namespace {
        let field = format!("mounts[{index}].options");
        let reason = "to map ids takes `uidMappings` and `gidMappings`, or a user namespace that has some";
        return Err(SpecError::invalid(field, reason));
    }
    Ok(())
}

fn check_linux(linux: &Linux, namespaces: &Kinds) -> Result<(), SpecError> {
    if linux.intel_rdt().is_some() {
        return Err(SpecError::unsupported("linux.intelRdt"));
    }
    if linux.net_devices().as_ref().is_some_and(|devices| !devices.is_empty()) {
        return Err(SpecError::unsupported("linux.netDevices"));
    }
    if let Some(label) = linux.mount_label().as_ref().filter(|label| !label.is_empty())
        && !std::path::Path::new("/sys/fs/selinux").exists()
    {
        let reason = format!("`{label}` is for SELinux, which this kernel does not run");
        return Err(SpecError::invalid("linux.mountLabel", reason));
    }
    if linux.personality().as_ref().is_some_and(|personality| personality.flags().iter().flatten().count() > 0) {
        return Err(SpecError::unsupported("linux.personality.flags"));
    }
    if let Some(propagation) = linux.rootfs_propagation()
        && super::init::propagation(propagation).is_none()
    {
        return Err(SpecError::invalid("linux.rootfsPropagation", format!("`{propagation}` is no propagation")));
    }
    for (index, device) in linux.devices().iter().flatten().enumerate() {
        if device.typ() == LinuxDeviceType::A {
            return Err(SpecError::invalid(format!("linux.devices[{index}].type"), "`a` is no type of a device"));
        }
        if device.path().file_name().is_none() {
            return Err(SpecError::invalid(format!("linux.devices[{index}].path"), "it names no file"));
        }
    }
    time_offsets(linux, namespaces)?;
    if let Some(policy) = linux.memory_policy() {
        let nodes = policy.nodes().as_deref().unwrap_or_default();
        super::init::number_list(nodes).map_err(|list| {
            SpecError::invalid("linux.memoryPolicy.nodes", format!("`{list}` is no list of numbers"))
        })?;
    }
    let sysctls: std::collections::BTreeMap<_, _> = linux.sysctl().iter().flatten().collect();
    sysctls.keys().try_for_each(|key| sysctl::check(key, namespaces))
}

fn time_offsets(linux: &Linux, namespaces: &Kinds) -> Result<(), SpecError> {
    let field = "linux.timeOffsets";
    let Some(offsets) = linux.time_offsets().as_ref().filter(|offsets| !offsets.is_empty()) else { return Ok(()) };
    namespaces.needed(field, LinuxNamespaceType::Time, "time")?;
    if !namespaces.is_new(LinuxNamespaceType::Time) {
        return Err(SpecError::invalid(field, "a time namespace that is joined has its offsets already"));
    }
    match offsets.keys().find(|clock| !matches!(clock.as_str(), "monotonic" | "boottime")) {
        Some(clock) => Err(SpecError::invalid(field, format!("`{clock}` is neither `monotonic` nor `boottime`"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
