//! Whole containers as JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::{ImageDefaults, LowerError, LowerInput, Lowered, Machine, anonymous_volumes, lower};
use crate::compose::model::{
    Attachment, Condition, Dependency, FileGrant, Mount, NetworkMode, Peer, Project, Propagation, Service, Ulimit,
};
use crate::name::{ContainerId, ImageReference, ProjectName, ServiceName};
use crate::runtime::Seccomp;

fn lowered(service: Service, image: &ImageDefaults) -> Result<Lowered, LowerError> {
    let name = ServiceName::new("web").unwrap();
    let project = Project {
        files: vec!["/srv/shop/compose.yaml".into(), "/srv/shop/compose.override.yaml".into()],
        services: BTreeMap::from([(name.clone(), service)]),
        ..Project::new(ProjectName::new("shop").unwrap(), "/srv/shop")
    };
    let service = &project.services[&name];
    let directories = |targets: BTreeSet<String>| -> BTreeMap<String, PathBuf> {
        targets.into_iter().map(|target| (target.clone(), Path::new("/volumes").join(&target[1..]))).collect()
    };
    let mut volumes = anonymous_volumes(service, image, &[]);
    volumes.extend(service.volumes.iter().filter_map(|mount| match mount {
        Mount::Volume { target, .. } => Some(target.clone()),
        _ => None,
    }));
    let files = service.secrets.iter().map(|grant| (grant.target.clone(), PathBuf::from("/state/secret"))).collect();
    lower(&LowerInput {
        project: &project,
        name: &name,
        service,
        number: 1,
        slug: None,
        id: &ContainerId::new("0123456789abcdef".repeat(4)).unwrap(),
        image,
        image_id: "sha256:1234",
        config_hash: "5678",
        hosts: Path::new("/state/hosts"),
        hostname: Path::new("/state/hostname"),
        resolv_conf: Path::new("/state/resolv.conf"),
        mounted_images: &BTreeMap::new(),
        volumes: &directories(volumes),
        inherited: &[],
        files: &files,
        host_name: "machine",
        processors: 2,
        machine: &Machine { limits_swap: true, ..Machine::default() },
        profile: None,
        kernel: (6, 1),
    })
}

/// The spec as JSON with sorted keys; sets that are arrays in it sorted too, and the version of this program left out.
fn json(lowered: &Lowered) -> Value {
    let mut spec = serde_json::to_value(&lowered.spec).unwrap();
    let capabilities = spec["process"]["capabilities"].as_object_mut().unwrap();
    for set in capabilities.values_mut() {
        set.as_array_mut().unwrap().sort_by_key(ToString::to_string);
    }
    spec["annotations"]["com.docker.compose.version"] = json!("VERSION");
    spec
}

fn busybox() -> (Service, ImageDefaults) {
    let image = ImageDefaults { cmd: Some(vec!["sh".to_owned()]), ..ImageDefaults::default() };
    (Service::new(ImageReference::parse("busybox:1").unwrap()), image)
}

#[test]
fn a_service_that_says_nothing() {
    let (service, image) = busybox();
    let nothing = json!({ "annotations": {}, "linux": {}, "mounts": [], "process": {} });
    insta::assert_snapshot!(difference(&nothing, &json(&lowered(service, &image).unwrap())), @r#"
    annotations.com.docker.compose.config-hash: "5678"
    annotations.com.docker.compose.container-number: "1"
    annotations.com.docker.compose.depends_on: ""
    annotations.com.docker.compose.image: "sha256:1234"
    annotations.com.docker.compose.oneoff: "False"
    annotations.com.docker.compose.project: "shop"
    annotations.com.docker.compose.project.config_files: "/srv/shop/compose.yaml,/srv/shop/compose.override.yaml"
    annotations.com.docker.compose.project.working_dir: "/srv/shop"
    annotations.com.docker.compose.service: "web"
    annotations.com.docker.compose.version: "VERSION"
    hostname: "0123456789ab"
    linux.cgroupsPath: "rcompose/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    linux.maskedPaths: ["/proc/acpi","/proc/asound","/proc/interrupts","/proc/kcore","/proc/keys","/proc/latency_stats","/proc/sched_debug","/proc/scsi","/proc/timer_list","/proc/timer_stats","/sys/devices/virtual/powercap","/sys/firmware","/sys/devices/system/cpu/cpu0/thermal_throttle","/sys/devices/system/cpu/cpu1/thermal_throttle"]
    linux.namespaces: [{"type":"mount"},{"type":"pid"},{"type":"ipc"},{"type":"uts"},{"type":"cgroup"},{"type":"network"}]
    linux.readonlyPaths: ["/proc/bus","/proc/fs","/proc/irq","/proc/sys","/proc/sysrq-trigger"]
    linux.resources: {"devices":[{"access":"rwm","allow":false,"type":"a"},{"access":"m","allow":true,"type":"c"},{"access":"m","allow":true,"type":"b"},{"access":"rwm","allow":true,"major":1,"minor":3,"type":"c"},{"access":"rwm","allow":true,"major":1,"minor":5,"type":"c"},{"access":"rwm","allow":true,"major":1,"minor":7,"type":"c"},{"access":"rwm","allow":true,"major":1,"minor":8,"type":"c"},{"access":"rwm","allow":true,"major":1,"minor":9,"type":"c"},{"access":"rwm","allow":true,"major":5,"minor":0,"type":"c"},{"access":"rwm","allow":true,"major":5,"minor":1,"type":"c"},{"access":"rwm","allow":true,"major":5,"minor":2,"type":"c"},{"access":"rwm","allow":true,"major":136,"type":"c"}]}
    linux.sysctl: {"net.ipv4.ip_unprivileged_port_start":"0","net.ipv4.ping_group_range":"0 2147483647"}
    mounts + {"destination":"/proc","options":["nosuid","noexec","nodev"],"source":"proc","type":"proc"}
    mounts + {"destination":"/dev","options":["nosuid","strictatime","mode=755","size=65536k"],"source":"tmpfs","type":"tmpfs"}
    mounts + {"destination":"/dev/pts","options":["nosuid","noexec","newinstance","ptmxmode=0666","mode=0620","gid=5"],"source":"devpts","type":"devpts"}
    mounts + {"destination":"/sys","options":["nosuid","noexec","nodev","ro"],"source":"sysfs","type":"sysfs"}
    mounts + {"destination":"/sys/fs/cgroup","options":["ro","nosuid","noexec","nodev"],"source":"cgroup","type":"cgroup"}
    mounts + {"destination":"/dev/mqueue","options":["nosuid","noexec","nodev"],"source":"mqueue","type":"mqueue"}
    mounts + {"destination":"/dev/shm","options":["nosuid","noexec","nodev","mode=1777","size=67108864"],"source":"shm","type":"tmpfs"}
    mounts + {"destination":"/etc/hostname","options":["rbind","rprivate","rw"],"source":"/state/hostname","type":"bind"}
    mounts + {"destination":"/etc/hosts","options":["rbind","rprivate","rw"],"source":"/state/hosts","type":"bind"}
    mounts + {"destination":"/etc/resolv.conf","options":["rbind","rprivate","rw"],"source":"/state/resolv.conf","type":"bind"}
    ociVersion: "1.1.0"
    process.args: ["sh"]
    process.capabilities: {"ambient":[],"bounding":["CAP_AUDIT_WRITE","CAP_CHOWN","CAP_DAC_OVERRIDE","CAP_FOWNER","CAP_FSETID","CAP_KILL","CAP_MKNOD","CAP_NET_BIND_SERVICE","CAP_NET_RAW","CAP_SETFCAP","CAP_SETGID","CAP_SETPCAP","CAP_SETUID","CAP_SYS_CHROOT"],"effective":["CAP_AUDIT_WRITE","CAP_CHOWN","CAP_DAC_OVERRIDE","CAP_FOWNER","CAP_FSETID","CAP_KILL","CAP_MKNOD","CAP_NET_BIND_SERVICE","CAP_NET_RAW","CAP_SETFCAP","CAP_SETGID","CAP_SETPCAP","CAP_SETUID","CAP_SYS_CHROOT"],"inheritable":[],"permitted":["CAP_AUDIT_WRITE","CAP_CHOWN","CAP_DAC_OVERRIDE","CAP_FOWNER","CAP_FSETID","CAP_KILL","CAP_MKNOD","CAP_NET_BIND_SERVICE","CAP_NET_RAW","CAP_SETFCAP","CAP_SETGID","CAP_SETPCAP","CAP_SETUID","CAP_SYS_CHROOT"]}
    process.cwd: "/"
    process.env: ["HOSTNAME=0123456789ab","PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
    process.noNewPrivileges: false
    process.rlimits: []
    process.terminal: false
    process.user: {"gid":0,"uid":0}
    root: {"path":"rootfs","readonly":false}
    "#);
}

/// Only what differs from the service that says nothing.
#[test]
fn a_service_that_says_everything() {
    let (mut service, image) = busybox();
    let plain = json(&lowered(service.clone(), &image).unwrap());
    let image = ImageDefaults {
        entrypoint: Some(vec!["/entry".to_owned()]),
        env: vec!["PATH=/bin".to_owned(), "MODE=image".to_owned()],
        working_dir: Some("/app".to_owned()),
        user: Some("nobody".to_owned()),
        volumes: ["/data/", "/cache"].map(str::to_owned).into(),
        stop_signal: Some("SIGQUIT".to_owned()),
        labels: [("maker", "image"), ("tier", "image")].map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        ..image
    };
    service.command = Some(vec!["serve".to_owned()]);
    service.environment.insert("MODE".to_owned(), "service".to_owned());
    service.hostname = Some("front".to_owned());
    service.domainname = Some("example.org".to_owned());
    service.group_add = vec!["audio".to_owned()];
    service.init = true;
    service.read_only = true;
    service.stop_grace_period = Some(Duration::from_secs(3));
    service.labels.insert("tier".to_owned(), "service".to_owned());
    let dependency = Dependency { condition: Condition::ServiceHealthy, restart: true, required: true };
    service.depends_on.insert(ServiceName::new("db").unwrap(), dependency);
    service.networks.insert("front".parse().unwrap(), Attachment::default());
    let data = Mount::Volume {
        source: Some("data".parse().unwrap()),
        target: "/data".to_owned(),
        read_only: true,
        nocopy: false,
        subpath: None,
        labels: BTreeMap::new(),
    };
    let source = Mount::Bind {
        source: "/src".into(),
        target: "/app".to_owned(),
        read_only: false,
        create_host_path: true,
        propagation: Propagation::Rslave,
        recursive: None,
        selinux: None,
    };
    service.volumes = vec![data, source];
    service.tmpfs = ["/data/tmp:size=4096,mode=1777,exec", "/dev/shm"].map(|text| text.parse().unwrap()).into();
    service.secrets = vec![FileGrant::new("key", "/run/secrets/key")];
    service.cap_drop = vec!["ALL".to_owned()];
    service.cap_add = vec!["NET_ADMIN".to_owned()];
    service.sysctls.insert("net.core.somaxconn".to_owned(), "1024".to_owned());
    service.ulimits.insert("nofile".to_owned(), Ulimit { soft: 1024, hard: -1 });
    service.mem_limit = Some(64 << 20);
    service.cpus = Some(1.5);
    service.pids_limit = Some(100);
    service.cpu_shares = Some(512);
    service.cpuset = Some("0-1".to_owned());
    service.mem_reservation = Some(32 << 20);
    service.memswap_limit = Some(-1);
    service.oom_score_adj = Some(-500);
    service.security_opt = vec!["no-new-privileges:true".to_owned()];
    service.annotations.insert("org.example.note".to_owned(), "kept".to_owned());

    let lowered = lowered(service, &image).unwrap();
    insta::assert_snapshot!(difference(&plain, &json(&lowered)), @r#"
    annotations.com.docker.compose.depends_on: "db:service_healthy:true"
    annotations.org.example.note: "kept"
    domainname: "example.org"
    hostname: "front"
    linux.resources: {"cpu":{"cpus":"0-1","period":100000,"quota":150000,"shares":512},"devices":[{"access":"rwm","allow":false,"type":"a"},{"access":"m","allow":true,"type":"c"},{"access":"m","allow":true,"type":"b"},{"access":"rwm","allow":true,"major":1,"minor":3,"type":"c"},{"access":"rwm","allow":true,"major":1,"minor":5,"type":"c"},{"access":"rwm","allow":true,"major":1,"minor":7,"type":"c"},{"access":"rwm","allow":true,"major":1,"minor":8,"type":"c"},{"access":"rwm","allow":true,"major":1,"minor":9,"type":"c"},{"access":"rwm","allow":true,"major":5,"minor":0,"type":"c"},{"access":"rwm","allow":true,"major":5,"minor":1,"type":"c"},{"access":"rwm","allow":true,"major":5,"minor":2,"type":"c"},{"access":"rwm","allow":true,"major":136,"type":"c"}],"memory":{"limit":67108864,"reservation":33554432,"swap":-1},"pids":{"limit":100}}
    linux.sysctl: {"net.core.somaxconn":"1024","net.ipv4.ip_unprivileged_port_start":"0","net.ipv4.ping_group_range":"0 2147483647"}
    mounts + {"destination":"/app","options":["rbind","rslave","rw"],"source":"/src","type":"bind"}
    mounts + {"destination":"/cache","options":["rbind","rprivate","rw"],"source":"/volumes/cache","type":"bind"}
    mounts + {"destination":"/data","options":["rbind","rprivate","rro"],"source":"/volumes/data","type":"bind"}
    mounts + {"destination":"/data/tmp","options":["nosuid","nodev","size=4096","mode=1777","exec"],"source":"tmpfs","type":"tmpfs"}
    mounts + {"destination":"/dev/shm","options":["nosuid","nodev","noexec"],"source":"tmpfs","type":"tmpfs"}
    mounts + {"destination":"/run/secrets/key","options":["rbind","rprivate","rro"],"source":"/state/secret","type":"bind"}
    mounts - {"destination":"/dev/shm","options":["nosuid","noexec","nodev","mode=1777","size=67108864"],"source":"shm","type":"tmpfs"}
    process.args: ["/entry","serve"]
    process.capabilities: {"ambient":[],"bounding":["CAP_NET_ADMIN"],"effective":["CAP_NET_ADMIN"],"inheritable":[],"permitted":["CAP_NET_ADMIN"]}
    process.cwd: "/app"
    process.env: ["HOSTNAME=front","MODE=service","PATH=/bin"]
    process.noNewPrivileges: true
    process.oomScoreAdj: -500
    process.rlimits: [{"hard":18446744073709551615,"soft":1024,"type":"RLIMIT_NOFILE"}]
    root.readonly: true
    "#);
    assert_eq!(lowered.user.as_deref(), Some("nobody"));
    assert_eq!(lowered.group_add, ["audio"]);
    assert_eq!((lowered.init, lowered.stop_signal), (true, 3));
    assert_eq!((lowered.labels["maker"].as_str(), lowered.labels["tier"].as_str()), ("image", "service"));
}

#[test]
fn the_network_of_the_host() {
    let (mut service, image) = busybox();
    let plain = json(&lowered(service.clone(), &image).unwrap());
    service.network_mode = Some(NetworkMode::Host);
    insta::assert_snapshot!(difference(&plain, &json(&lowered(service, &image).unwrap())), @r#"
    hostname: "machine"
    linux.namespaces: [{"type":"mount"},{"type":"pid"},{"type":"ipc"},{"type":"uts"},{"type":"cgroup"}]
    linux.sysctl: {}
    process.env: ["HOSTNAME=machine","PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
    "#);
}

#[test]
fn a_privileged_one() {
    let (mut service, image) = busybox();
    let plain = json(&lowered(service.clone(), &image).unwrap());
    service.privileged = true;
    let lowered = lowered(service, &image).unwrap();
    let mut privileged = json(&lowered);
    for set in ["bounding", "effective", "permitted"] {
        assert_eq!(privileged["process"]["capabilities"][set].as_array().unwrap().len(), 41, "{set}");
        privileged["process"]["capabilities"][set] = plain["process"]["capabilities"][set].clone();
    }
    insta::assert_snapshot!(difference(&plain, &privileged), @r#"
    linux.resources: {"devices":[{"access":"rwm","allow":true,"type":"a"}]}
    linux.maskedPaths: -
    linux.readonlyPaths: -
    mounts + {"destination":"/sys","options":["nosuid","noexec","nodev"],"source":"sysfs","type":"sysfs"}
    mounts + {"destination":"/sys/fs/cgroup","options":["nosuid","noexec","nodev"],"source":"cgroup","type":"cgroup"}
    mounts - {"destination":"/sys","options":["nosuid","noexec","nodev","ro"],"source":"sysfs","type":"sysfs"}
    mounts - {"destination":"/sys/fs/cgroup","options":["ro","nosuid","noexec","nodev"],"source":"cgroup","type":"cgroup"}
    "#);
    assert_eq!(lowered.seccomp, Seccomp::Specified, "none");
}

/// CVE-2026-53488: what labels say is written down, and does nothing.
#[test]
fn labels_run_nothing() {
    let (service, image) = busybox();
    let plain = json(&lowered(service.clone(), &image).unwrap());
    let labels = ["run.oci.hooks.stdout", "containerd.io/restart.loguri", "io.podman.annotations.privileged", "hooks"];
    let labels = labels.into_iter().map(|name| (name.to_owned(), "binary:///bin/sh?-c=touch".to_owned())).collect();
    let mut labelled = json(&lowered(service, &ImageDefaults { labels, ..image }).unwrap());
    assert!(labelled.get("hooks").is_none());
    labelled["annotations"].clone_from(&plain["annotations"]);
    assert_eq!(labelled, plain);
}

#[test]
fn namespaces_of_others() {
    let (mut service, image) = busybox();
    let plain = json(&lowered(service.clone(), &image).unwrap());
    service.network_mode = Some("service:db".parse().unwrap());
    service.pid = Some("host".parse().unwrap());
    service.ipc = Some("none".parse().unwrap());
    service.uts = Some("host".to_owned());
    service.domainname = Some("example.org".to_owned());
    insta::assert_snapshot!(difference(&plain, &json(&lowered(service.clone(), &image).unwrap())), @r#"
    linux.namespaces: [{"type":"mount"},{"type":"ipc"},{"type":"cgroup"}]
    linux.sysctl: {}
    mounts - {"destination":"/dev/shm","options":["nosuid","noexec","nodev","mode=1777","size=67108864"],"source":"shm","type":"tmpfs"}
    process.env: ["HOSTNAME=machine","PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
    "#);

    service.ipc = Some("host".parse().unwrap());
    let spec = json(&lowered(service.clone(), &image).unwrap());
    assert!(spec.get("hostname").is_none() && spec.get("domainname").is_none(), "it would be the host's");
    insta::assert_snapshot!(difference(&plain, &spec), @r#"
    linux.namespaces: [{"type":"mount"},{"type":"cgroup"}]
    linux.sysctl: {}
    mounts + {"destination":"/dev/shm","options":["rbind","rprivate","rw"],"source":"/dev/shm","type":"bind"}
    mounts - {"destination":"/dev/shm","options":["nosuid","noexec","nodev","mode=1777","size=67108864"],"source":"shm","type":"tmpfs"}
    process.env: ["HOSTNAME=machine","PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
    "#);
    let (kinds, peers): (Vec<_>, Vec<_>) =
        super::namespaces::shared(&service).into_iter().map(|(_, name, peer)| (name, peer)).unzip();
    assert_eq!(kinds, ["net"]);
    assert_eq!(peers, [Peer::Service(&ServiceName::new("db").unwrap())]);
}

#[test]
fn no_command_at_all() {
    let (service, _) = busybox();
    let error = lowered(service, &ImageDefaults::default()).unwrap_err();
    assert_eq!(error.to_string(), "service `web` has no command, and neither has its image");
}

#[test]
fn volumes_of_the_image_that_nothing_covers() {
    let (mut service, mut image) = busybox();
    image.volumes = ["/a", "/b/", "/c"].map(str::to_owned).into();
    let volume = |source: Option<&str>, target: &str| Mount::volume(source.map(|key| key.parse().unwrap()), target);
    service.volumes = vec![volume(Some("named"), "/b"), volume(None, "/c"), volume(None, "/d")];
    assert_eq!(anonymous_volumes(&service, &image, &[]), ["/a", "/c", "/d"].map(str::to_owned).into());
}

/// One line for each second-level key whose value is not as in `plain`.
fn difference(plain: &Value, value: &Value) -> String {
    let mut lines = Vec::new();
    for (section, value) in value.as_object().unwrap() {
        let plain = &plain[section];
        if let (Some(fields), true) = (value.as_object(), plain.is_object()) {
            let fields = fields.iter().filter(|(key, value)| plain[key.as_str()] != **value);
            lines.extend(fields.map(|(key, value)| format!("{section}.{key}: {value}")));
            let gone = plain.as_object().into_iter().flatten().filter(|(key, _)| value.get(key.as_str()).is_none());
            lines.extend(gone.map(|(key, _)| format!("{section}.{key}: -")));
        } else if let (Some(items), true) = (value.as_array(), plain.is_array()) {
            let plain = plain.as_array().unwrap();
            lines.extend(items.iter().filter(|item| !plain.contains(item)).map(|item| format!("{section} + {item}")));
            lines.extend(plain.iter().filter(|item| !items.contains(item)).map(|item| format!("{section} - {item}")));
        } else if value != plain {
            lines.push(format!("{section}: {value}"));
        }
    }
    lines.join("\n")
}
