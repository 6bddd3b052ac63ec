//! `volumes` and `tmpfs` of a service.

use std::collections::BTreeMap;

use super::field::{Field, Object};
use super::{Context, file, keys};
use crate::compose::diagnostic::DiagnosticKind;
use crate::compose::model::{Mount, Propagation};
use crate::compose::report::Origin;
use crate::compose::units;
use crate::name::VolumeName;

/// Decodes all mounts, in order of their targets: a mount must be made after the one it lies in.
pub(super) fn mounts(service: &Object<'_>, context: &Context<'_>) -> Vec<Mount> {
    let volumes = service.get("volumes").map(Field::items).unwrap_or_default();
    let tmpfs = service.get("tmpfs").map(Field::items).unwrap_or_default();
    let decoded = volumes
        .into_iter()
        .map(|field| (field, volume(field, context)))
        .chain(tmpfs.into_iter().map(|field| (field, self::tmpfs(field))));
    let mut mounts: BTreeMap<String, (Origin, Mount)> = BTreeMap::new();
    for (field, mount) in decoded {
        let Some(mount) = mount else { continue };
        if !mount.target().starts_with('/') {
            field.invalid(format!("the target `{}` is not an absolute path", mount.target()));
            continue;
        }
        let target = mount.target().trim_end_matches('/').to_owned();
        if let Some((first, _)) = mounts.get(&target) {
            let kind = DiagnosticKind::Conflict(format!("{}: two mounts at `{}`", service.place, mount.target()));
            service.report.error_with_label(field.node.origin, kind, (*first, "first mounted here"));
            continue;
        }
        mounts.insert(target, (field.node.origin, mount));
    }
    mounts.into_values().map(|(_, mount)| mount).collect()
}

fn volume(field: Field<'_>, context: &Context<'_>) -> Option<Mount> {
    let object = field.object(&keys::MOUNT)?;
    object.string("consistency");
    for key in ["type", "target"] {
        if !object.has(key) {
            object.missing(key);
        }
    }
    let target = object.string("target")?;
    let read_only = object.boolean("read_only").unwrap_or(false);
    let kind = object.get("type")?;
    let (bind, volume, tmpfs) = (
        object.object("bind", &keys::MOUNT_BIND),
        object.object("volume", &keys::MOUNT_VOLUME),
        object.object("tmpfs", &keys::MOUNT_TMPFS),
    );
    match kind.text()? {
        "bind" => {
            let Some(source) = object.get("source") else {
                object.missing("source");
                return None;
            };
            Some(Mount::Bind {
                source: context.path(&source.string()?),
                target,
                read_only,
                create_host_path: bind.and_then(|bind| bind.boolean("create_host_path")).unwrap_or(true),
                propagation: bind.and_then(|bind| bind.parse("propagation", propagation)).unwrap_or_default(),
            })
        }
        "volume" => {
            let source = object.get("source").map(|field| Some((field, field.string()?)));
            let source = match source {
                None => None,
                Some(source) => {
                    let (field, name) = source?;
                    Some(VolumeName::new(name).map_err(|error| field.invalid(error.rule)).ok()?)
                }
            };
            let nocopy = volume.and_then(|volume| volume.boolean("nocopy")).unwrap_or(false);
            Some(Mount::Volume { source, target, read_only, nocopy })
        }
        "tmpfs" => Some(Mount::Tmpfs {
            target,
            size: tmpfs.and_then(|tmpfs| tmpfs.parse("size", units::bytes)),
            mode: tmpfs.and_then(|tmpfs| tmpfs.parse("mode", file::mode)),
            options: if read_only { vec!["ro".to_owned()] } else { Vec::new() },
        }),
        "cluster" | "image" | "npipe" => {
            kind.not_supported();
            None
        }
        _ => {
            kind.invalid("must be `bind`, `volume` or `tmpfs`");
            None
        }
    }
}

/// `PATH[:OPTIONS]`, with the options of mount(8).
fn tmpfs(field: Field<'_>) -> Option<Mount> {
    let text = field.string()?;
    let (target, list) = text.split_once(':').unwrap_or((&text, ""));
    let (mut size, mut mode, mut options) = (None, None, Vec::new());
    for option in list.split(',').filter(|option| !option.is_empty()) {
        match option.split_once('=') {
            Some(("size", value)) => size = Some(units::bytes(value).map_err(|error| field.invalid(error)).ok()?),
            Some(("mode", value)) => {
                // Octal without a prefix here, unlike in YAML.
                let octal = u32::from_str_radix(value, 8);
                mode = Some(octal.map_err(|_| field.invalid(format!("`{value}` is not an octal mode"))).ok()?);
            }
            _ => options.push(option.to_owned()),
        }
    }
    Some(Mount::Tmpfs { target: target.to_owned(), size, mode, options })
}

fn propagation(text: &str) -> Result<Propagation, &'static str> {
    match text {
        "rprivate" => Ok(Propagation::Rprivate),
        "private" => Ok(Propagation::Private),
        "rshared" => Ok(Propagation::Rshared),
        "shared" => Ok(Propagation::Shared),
        "rslave" => Ok(Propagation::Rslave),
        "slave" => Ok(Propagation::Slave),
        _ => Err("must be `private`, `shared` or `slave`, or one of these with an `r` before it"),
    }
}
