//! `security_opt`: options of a container's protection, `NAME=VALUE` or `NAME:VALUE`.

use crate::compose::model::Service;

/// Which system calls a container may make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SeccompOption<'a> {
    /// Those of the built-in profile.
    Builtin,
    /// All.
    Unconfined,
    /// Those of the profile in this file, relative to the project's directory.
    File(&'a str),
}

/// The options of a service; the last of each kind counts. What needs a security module that is not there is refused
/// before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SecurityOptions<'a> {
    pub(super) no_new_privileges: bool,
    pub(super) seccomp: SeccompOption<'a>,
    /// Whether nothing of `/proc` and `/sys` is masked or read-only.
    pub(super) system_paths: bool,
    /// The profile of AppArmor, which the machine has.
    pub(super) apparmor: Option<&'a str>,
}

impl<'a> SecurityOptions<'a> {
    pub(super) fn of(service: &'a Service) -> Self {
        let seccomp = if service.privileged { SeccompOption::Unconfined } else { SeccompOption::Builtin };
        let mut options = Self { no_new_privileges: false, seccomp, system_paths: service.privileged, apparmor: None };
        for option in &service.security_opt {
            let (name, value) = option.split_once(['=', ':']).unwrap_or((option, ""));
            match (name, value) {
                ("no-new-privileges", value) => options.no_new_privileges = matches!(value, "" | "true"),
                ("seccomp", "builtin") => options.seccomp = SeccompOption::Builtin,
                ("seccomp", "unconfined") => options.seccomp = SeccompOption::Unconfined,
                ("seccomp", file) => options.seccomp = SeccompOption::File(file),
                ("apparmor", profile) => options.apparmor = Some(profile).filter(|it| !it.is_empty()),
                ("systempaths", "unconfined") => options.system_paths = true,
                _ => {}
            }
        }
        options
    }
}

/// The file with the seccomp profile of a service, relative to the project's directory, if it has one of its own. The
/// caller reads it, and passes it to [`super::lower`].
#[must_use]
pub fn profile_file(service: &Service) -> Option<&str> {
    match SecurityOptions::of(service).seccomp {
        SeccompOption::File(file) => Some(file),
        SeccompOption::Builtin | SeccompOption::Unconfined => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::ImageReference;

    #[test]
    fn both_separators_and_the_last_word() {
        let builtin = SeccompOption::Builtin;
        for (options, no_new_privileges, seccomp, system_paths) in [
            ("", false, builtin, false),
            ("no-new-privileges", true, builtin, false),
            ("no-new-privileges:true", true, builtin, false),
            ("no-new-privileges=true no-new-privileges:false", false, builtin, false),
            ("seccomp:unconfined systempaths=unconfined", false, SeccompOption::Unconfined, true),
            ("seccomp=unconfined seccomp=builtin", false, builtin, false),
            ("seccomp=./a:b=c.json label:disable", false, SeccompOption::File("./a:b=c.json"), false),
            ("apparmor:own", false, builtin, false),
        ] {
            let apparmor = options.strip_prefix("apparmor:");
            let mut service = Service::new(ImageReference::parse("busybox").unwrap());
            service.security_opt = options.split_whitespace().map(str::to_owned).collect();
            let expected = SecurityOptions { no_new_privileges, seccomp, system_paths, apparmor };
            assert_eq!(SecurityOptions::of(&service), expected, "{options}");
        }
    }

    #[test]
    fn a_privileged_one_is_filtered_if_it_says_so() {
        let mut service = Service::new(ImageReference::parse("busybox").unwrap());
        service.privileged = true;
        for (option, seccomp) in [
            ("no-new-privileges=false", SeccompOption::Unconfined),
            ("seccomp=builtin", SeccompOption::Builtin),
            ("seccomp=own.json", SeccompOption::File("own.json")),
        ] {
            service.security_opt = vec![option.to_owned()];
            let expected = SecurityOptions { no_new_privileges: false, seccomp, system_paths: true, apparmor: None };
            assert_eq!(SecurityOptions::of(&service), expected, "{option}");
        }
    }
}
