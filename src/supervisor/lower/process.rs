//! What runs in a container: arguments, environment, working directory, limits.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use oci_spec::runtime::{PosixRlimit, PosixRlimitBuilder, PosixRlimitType, Process, User};

use super::security_opt::SecurityOptions;
use super::{ImageDefaults, LowerError, LowerInput, hostname, security};
use crate::compose::model::{Service, Ulimit};
use crate::runtime::defaults::PATH;

pub(super) fn process(input: &LowerInput) -> Result<Process, LowerError> {
    let args = arguments(input.service, input.image);
    if args.is_empty() {
        return Err(LowerError::NoCommand { service: input.name.clone() });
    }
    let mut process = Process::default();
    let options = SecurityOptions::of(input.service);
    process
        .set_apparmor_profile(options.apparmor.map(str::to_owned))
        .set_user(User::default())
        .set_args(Some(args))
        .set_env(Some(environment(input)))
        .set_cwd(working_dir(input.service, input.image))
        .set_capabilities(Some(security::capabilities(input.name, input.service)?))
        .set_rlimits(Some(rlimits(input)?))
        .set_terminal(Some(input.service.tty))
        .set_oom_score_adj(input.service.oom_score_adj)
        // As with Docker, programs like `sudo` work unless the service forbids it.
        .set_no_new_privileges(Some(options.no_new_privileges));
    Ok(process)
}

/// `entrypoint` then `command`, each from the image when the service has none; but an entrypoint of the service's
/// own also drops the image's command, which was made for another one.
#[must_use]
pub fn arguments(service: &Service, image: &ImageDefaults) -> Vec<String> {
    let (entrypoint, image_command) = match &service.entrypoint {
        Some(entrypoint) => (Some(entrypoint), None),
        None => (image.entrypoint.as_ref(), image.cmd.as_ref()),
    };
    let command = service.command.as_ref().or(image_command);
    entrypoint.into_iter().chain(command).flatten().cloned().collect()
}

/// The service's variables over the image's over the defaults, by name. (`HOME` depends on the user: the runtime's.)
fn environment(input: &LowerInput) -> Vec<String> {
    let image = input.image.env.iter().filter_map(|variable| variable.split_once('='));
    let service = input.service.environment.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let mut variables =
        BTreeMap::from([("PATH", PATH), ("HOSTNAME", hostname(input.service, input.id, input.host_name))]);
    if input.service.tty {
        variables.insert("TERM", "xterm");
    }
    variables.extend(image.chain(service));
    variables.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
}

fn working_dir(service: &Service, image: &ImageDefaults) -> PathBuf {
    let given = service.working_dir.as_ref().or(image.working_dir.as_ref());
    // Joining makes a relative one absolute, and leaves an absolute one as it is.
    Path::new("/").join(given.map_or("", String::as_str))
}

fn rlimits(input: &LowerInput) -> Result<Vec<PosixRlimit>, LowerError> {
    let limit = |value: i64| u64::try_from(value).unwrap_or(u64::MAX);
    let rlimit = |(name, ulimit): (&String, &Ulimit)| {
        let unknown = |_| LowerError::UnknownUlimit { service: input.name.clone(), ulimit: name.clone() };
        let kind: PosixRlimitType = format!("RLIMIT_{}", name.to_uppercase()).parse().map_err(unknown)?;
        let rlimit = PosixRlimitBuilder::default().typ(kind).soft(limit(ulimit.soft)).hard(limit(ulimit.hard)).build();
        Ok(rlimit.expect("every field has a default"))
    };
    input.service.ulimits.iter().map(rlimit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::ImageReference;

    #[test]
    fn entrypoint_and_command() {
        let words = |text: Option<&str>| text.map(|text| text.split_whitespace().map(str::to_owned).collect());
        for (service, image, expected) in [
            ((None, None), (None, Some("sh")), "sh"),
            ((None, None), (Some("entry"), Some("sh -i")), "entry sh -i"),
            ((None, Some("ls")), (Some("entry"), Some("sh")), "entry ls"),
            ((Some("own"), None), (Some("entry"), Some("sh")), "own"),
            ((Some("own"), Some("ls")), (Some("entry"), Some("sh")), "own ls"),
            ((None, Some("")), (Some("entry"), Some("sh")), "entry"),
            ((Some(""), Some("ls")), (Some("entry"), Some("sh")), "ls"),
            ((Some(""), None), (Some("entry"), Some("sh")), ""),
        ] {
            let mut model = Service::new(ImageReference::parse("busybox").unwrap());
            (model.entrypoint, model.command) = (words(service.0), words(service.1));
            let image = ImageDefaults { entrypoint: words(image.0), cmd: words(image.1), ..ImageDefaults::default() };
            assert_eq!(arguments(&model, &image).join(" "), expected, "{service:?} {image:?}");
        }
    }

    #[test]
    fn working_directories_are_absolute() {
        for (service, image, expected) in [
            (None, None, "/"),
            (None, Some(""), "/"),
            (None, Some("app"), "/app"),
            (Some("/srv"), Some("/app"), "/srv"),
        ] {
            let mut model = Service::new(ImageReference::parse("busybox").unwrap());
            model.working_dir = service.map(str::to_owned);
            let image = ImageDefaults { working_dir: image.map(str::to_owned), ..ImageDefaults::default() };
            assert_eq!(working_dir(&model, &image), Path::new(expected));
        }
    }
}
