//! What commands that run containers refuse, and what has no effect: see the table of `support.rs`.

use rcompose::compose::Loaded;

use crate::{Case, describe};

#[test]
fn what_is_not_done_yet_is_loaded_and_refused() {
    for (text, expected) in [
        (
            "services: {a: {image: x, logging: {driver: gelf}}}",
            "`services.a.logging.driver: gelf` is not supported yet",
        ),
        (
            "services: {a: {image: x, logging: {options: {max-size: 10m, gelf-address: t}}}}",
            "`services.a.logging.options.gelf-address` is not supported yet",
        ),
        ("services: {a: {image: x, platform: linux/s390x}}", "`services.a.platform: linux/s390x` is not supported yet"),
        (
            "services: {a: {image: x, volumes: ['v:/v']}}\nvolumes: {v: {driver_opts: {a: b}}}",
            "`volumes.v.driver_opts` is not supported yet",
        ),
    ] {
        assert_eq!(not_run(text), [expected], "{text}");
    }
    let services = "services: {a: {image: x}, b: {image: x, depends_on: [a], profiles: [p], use_api_socket: true}}";
    assert_eq!(not_run(services), [] as [&str; 0], "nobody starts `b`");
    let unused = "services: {a: {image: x}}\nvolumes: {v: {driver: nfs}}";
    assert_eq!(not_run(unused), [] as [&str; 0], "nobody mounts `v`");
}

#[test]
fn what_has_no_effect_is_listed() {
    let loaded =
        Case::new("services: {a: {image: x, deploy: {mode: global}, expose: [80], volumes: ['/a:/a:z']}}").load();
    let findings = loaded.unwrap().unsupported;
    let said: Vec<_> = findings.all().iter().map(|finding| finding.diagnostic.kind.to_string()).collect();
    assert_eq!(
        said,
        [
            "`services.a.deploy.mode: global` has no effect: it is for swarms",
            "`services.a.expose` has no effect: it is for people to read",
            "`services.a.volumes[0].bind.selinux` has no effect: nothing is labelled for SELinux",
        ]
    );
}

/// What keeps the active services of a file from being run.
fn not_run(text: &str) -> Vec<String> {
    let Loaded { project, unsupported, .. } = Case::new(text).load().map_err(|error| describe(&error)).unwrap();
    let services = project.services.keys().collect();
    unsupported.refused(&project, &services).iter().map(|diagnostic| diagnostic.kind.to_string()).collect()
}
