//! The mounts of a container, each after the one it lies in.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use oci_spec::runtime::Mount as OciMount;

use super::{ImageDefaults, LowerError, LowerInput, namespaces};
use crate::compose::model::{IpcMode, Mount, Propagation, Service, Tmpfs};
use crate::runtime::defaults::{self, mount};

/// The targets of the anonymous volumes of a container: those of mounts without a source, and the volumes of its
/// image that nothing of the service, or of `volumes_from`, is mounted at. The caller makes them, and passes them to [`super::lower`].
#[must_use]
pub fn anonymous_volumes(service: &Service, image: &ImageDefaults, inherited: &[OciMount]) -> BTreeSet<String> {
    let own = service.mounts();
    let inherited = inherited.iter().map(|mount| normal(mount.destination()));
    let covered: BTreeSet<PathBuf> = own.iter().map(|mount| normal(mount.target())).chain(inherited).collect();
    let of_image = image.volumes.iter().filter(|target| !covered.contains(&normal(target)));
    let of_service = service.volumes.iter().filter_map(|mount| match mount {
        Mount::Volume { source: None, target, .. } => Some(target),
        _ => None,
    });
    of_image.chain(of_service).cloned().collect()
}

pub(super) fn mounts(input: &LowerInput) -> Result<Vec<OciMount>, LowerError> {
    let mut own = service_mounts(input)?;
    let given: BTreeSet<PathBuf> = own.iter().map(|mount| normal(mount.destination())).collect();
    own.extend(input.inherited.iter().filter(|mount| !given.contains(&normal(mount.destination()))).cloned());
    // What the user mounts at the place of a default takes that place.
    let replaced: BTreeSet<PathBuf> = own.iter().map(|mount| normal(mount.destination())).collect();
    let stays = |mount: &OciMount| !replaced.contains(mount.destination());
    let mut mounts: Vec<OciMount> = default_mounts(input.service).into_iter().filter(stays).collect();
    own.extend(etc_files(input).into_iter().filter(stays));
    // By target, so that what lies in another mount comes after it: a volume at `/etc` does not hide `/etc/hosts`.
    own.sort_by_key(|mount| normal(mount.destination()));
    mounts.extend(own);
    if namespaces::has_own_users(input.service) {
        mounts.iter_mut().for_each(map_ids);
    }
    Ok(mounts)
}

/// Has the files of the host keep their ids: root's are root's, inside as outside.
fn map_ids(mount: &mut OciMount) {
    let is_bind = mount.typ().as_deref() == Some("bind");
    if let Some(options) = mount.options_mut().as_mut().filter(|_| is_bind) {
        let how = if options.iter().any(|option| option == "rbind") { "ridmap" } else { "idmap" };
        options.push(how.to_owned());
    }
}

fn default_mounts(service: &Service) -> Vec<OciMount> {
    let mut mounts = defaults::mounts(service.privileged);
    mounts.extend(shared_memory(service));
    mounts
}

/// `/dev/shm`, unless it is that of another container, which is found when the container starts.
fn shared_memory(service: &Service) -> Option<OciMount> {
    match service.ipc {
        None | Some(IpcMode::Private | IpcMode::Shareable) => Some(defaults::shared_memory(service.shm_size)),
        Some(IpcMode::Host) => Some(bind("/dev/shm", Path::new("/dev/shm"), Propagation::Rprivate, false, None)),
        Some(IpcMode::None | IpcMode::Service(_) | IpcMode::Container(_)) => None,
    }
}

fn etc_files(input: &LowerInput) -> [OciMount; 3] {
    [("/etc/resolv.conf", input.resolv_conf), ("/etc/hostname", input.hostname), ("/etc/hosts", input.hosts)]
        .map(|(target, source)| bind(target, source, Propagation::Rprivate, false, None))
}

fn service_mounts(input: &LowerInput) -> Result<Vec<OciMount>, LowerError> {
    let no_source = |target: &str| LowerError::NoSource { service: input.name.clone(), target: target.to_owned() };
    let volume = |target: &str, read_only, subpath: Option<&str>| {
        let source = input.volumes.get(target).ok_or_else(|| no_source(target))?;
        let mut mount = bind(target, source, Propagation::Rprivate, read_only, None);
        if let (Some(subpath), Some(options)) = (subpath, mount.options_mut()) {
            options.push(format!("X-mount.subdir={subpath}"));
        }
        Ok(mount)
    };
    let mut mounts = Vec::new();
    let mut done = BTreeSet::new();
    let service_mounts = input.service.mounts();
    for mount in &service_mounts {
        done.insert(mount.target());
        mounts.push(match mount {
            Mount::Bind { source, target, read_only, propagation, recursive, .. } => {
                bind(target, source, *propagation, *read_only, recursive.as_deref())
            }
            Mount::Volume { target, read_only, subpath, .. } => volume(target, *read_only, subpath.as_deref())?,
            Mount::Tmpfs(Tmpfs { target, size, mode, options }) => tmpfs(target, *size, *mode, options),
            Mount::Image { source, target, subpath, .. } => {
                let layers = input.mounted_images.get(source).ok_or_else(|| no_source(target))?;
                image(target, layers, subpath.as_deref()).ok_or_else(|| no_source(target))?
            }
            // Refused before anything is made.
            Mount::Foreign { target, .. } => return Err(no_source(target)),
        });
    }
    let anonymous = anonymous_volumes(input.service, input.image, input.inherited);
    for target in anonymous.iter().filter(|target| !done.contains(target.as_str())) {
        mounts.push(volume(target, false, None)?);
    }
    for grant in input.service.configs.iter().chain(&input.service.secrets) {
        let source = input.files.get(&grant.target).ok_or_else(|| no_source(&grant.target))?;
        mounts.push(bind(&grant.target, source, Propagation::Rprivate, true, None));
    }
    Ok(mounts)
}

/// What is in an image, which nobody can write to: it is everybody's.
fn image(target: &str, layers: &[PathBuf], subpath: Option<&str>) -> Option<OciMount> {
    let (lowest, above) = layers.split_first()?;
    let mut mount = mount(target, "bind", lowest, &["bind", "rprivate", "ro"]);
    if let Some(options) = mount.options_mut() {
        options.extend(above.iter().map(|layer| format!("x-rcompose.layer={}", layer.display())));
        options.extend(subpath.map(|subpath| format!("X-mount.subdir={subpath}")));
    }
    Some(mount)
}

/// `recursive` is `bind.recursive`. As with Docker, a mount is read-only with all that is mounted below it, unless that is
/// told apart: `writable`; `disabled` leaves what is mounted below out altogether.
fn bind(target: &str, source: &Path, propagation: Propagation, read_only: bool, recursive: Option<&str>) -> OciMount {
    let how = if recursive == Some("disabled") { "bind" } else { "rbind" };
    let propagation = match propagation {
        Propagation::Rprivate => "rprivate",
        Propagation::Private => "private",
        Propagation::Rshared => "rshared",
        Propagation::Shared => "shared",
        Propagation::Rslave => "rslave",
        Propagation::Slave => "slave",
    };
    let access = match (read_only, recursive) {
        (false, _) => "rw",
        (true, Some("writable" | "disabled")) => "ro",
        (true, _) => "rro",
    };
    mount(target, "bind", source, &[how, propagation, access])
}

fn tmpfs(target: &str, size: Option<u64>, mode: Option<u32>, given: &[String]) -> OciMount {
    // Each default holds unless its opposite is asked for.
    let defaults = [("nosuid", "suid"), ("nodev", "dev"), ("noexec", "exec")];
    let wanted = |opposite: &str| !given.iter().any(|option| option == opposite);
    let mut options: Vec<String> =
        defaults.into_iter().filter(|(_, opposite)| wanted(opposite)).map(|(default, _)| default.to_owned()).collect();
    options.extend(size.map(|size| format!("size={size}")));
    options.extend(mode.map(|mode| format!("mode={mode:o}")));
    options.extend(given.iter().filter(|option| !options.contains(option)).cloned().collect::<Vec<_>>());
    let mut mount = mount(target, "tmpfs", "tmpfs", &[]);
    mount.set_options(Some(options));
    mount
}

/// A path without trailing, doubled or dotted parts, so that two ways to write a target are seen to be one.
fn normal(target: impl AsRef<Path>) -> PathBuf {
    target.as_ref().components().filter(|part| !matches!(part, Component::CurDir)).collect()
}
