//! `services.*`, in the order of the reference implementation's output.

use super::build::BUILD;
use super::deploy::{DEPLOY, GPU};
use super::{
    COMMAND, COUNT, DURATION, EXTRA_HOSTS, Field, GRANTS, INTEGER, LIST_OR_MAPPING, OPTIONS, Object, Print, Shape,
    TEXT, TEXT_OR_LIST, TEXTS, Type, ULIMITS, UNIQUE_TEXTS, field, flag, scalar, text,
};

pub(in crate::compose) static SERVICE: Object = Object::new(
    "service",
    &[
        field("profiles", TEXTS),
        field("annotations", LIST_OR_MAPPING),
        flag("attach").given(),
        field("build", Shape::Either(&[TEXT, Shape::Object(&BUILD)])).given(),
        field("develop", Shape::Nullable(&Shape::Object(&DEVELOP))).given(),
        field("blkio_config", Shape::Object(&BLKIO)).given(),
        field("cap_add", TEXTS),
        field("cap_drop", TEXTS),
        text("cgroup_parent"),
        scalar("cgroup", Type::Word(&["host", "private"])),
        scalar("cpu_count", COUNT),
        scalar("cpu_percent", Type::Integer { least: 0, most: 100 }),
        scalar("cpu_period", Type::Microseconds),
        scalar("cpu_quota", Type::Microseconds),
        scalar("cpu_rt_period", Type::Microseconds),
        scalar("cpu_rt_runtime", Type::Microseconds),
        scalar("cpus", Type::Number),
        text("cpuset"),
        scalar("cpu_shares", INTEGER),
        field("command", COMMAND).print(Print::Always),
        field("configs", GRANTS),
        scalar("container_name", Type::ContainerName),
        field("credential_spec", Shape::Object(&CREDENTIAL_SPEC)).given(),
        field("depends_on", Shape::Either(&[UNIQUE_TEXTS, Shape::Named(&Shape::Object(&DEPENDENCY))])),
        field("deploy", Shape::Nullable(&Shape::Object(&DEPLOY))).given(),
        field("device_cgroup_rules", UNIQUE_TEXTS),
        field("devices", Shape::List(&Shape::Either(&[TEXT, Shape::Object(&DEVICE)]))),
        field("dns", TEXT_OR_LIST),
        field("dns_opt", TEXTS),
        field("dns_search", TEXT_OR_LIST),
        text("domainname"),
        field("entrypoint", COMMAND).print(Print::Always),
        field("provider", Shape::Object(&PROVIDER)).given(),
        field("environment", LIST_OR_MAPPING),
        field("env_file", Shape::Either(&[TEXT, Shape::List(&Shape::Either(&[TEXT, Shape::Object(&ENV_FILE)]))])),
        field("expose", Shape::List(&Shape::Scalar(Type::TextOrInteger))),
        field("extends", Shape::Either(&[TEXT, Shape::Object(&EXTENDS)])).print(Print::Never),
        field("external_links", UNIQUE_TEXTS),
        field("extra_hosts", EXTRA_HOSTS),
        field("group_add", Shape::Set(&Shape::Scalar(Type::TextOrInteger))),
        field("gpus", Shape::Either(&[Shape::Scalar(Type::Word(&["all"])), Shape::List(&Shape::Object(&GPU))])),
        text("hostname"),
        field("healthcheck", Shape::Object(&HEALTHCHECK)).given(),
        text("image"),
        flag("init").given(),
        text("ipc"),
        text("isolation"),
        field("labels", LIST_OR_MAPPING),
        field("label_file", Shape::Either(&[TEXT, Shape::List(&TEXT)])),
        field("links", TEXTS),
        field("logging", Shape::Object(&LOGGING)).given(),
        scalar("mem_limit", Type::Bytes),
        scalar("mem_reservation", Type::Bytes),
        scalar("memswap_limit", Type::Bytes),
        scalar("mem_swappiness", Type::Bytes),
        text("mac_address"),
        field("models", Shape::Either(&[UNIQUE_TEXTS, Shape::Map(&Shape::Nullable(&Shape::Object(&MODEL_BINDING)))])),
        text("network_mode"),
        field("networks", Shape::Either(&[UNIQUE_TEXTS, Shape::Named(&Shape::Nullable(&Shape::Object(&ATTACHMENT)))])),
        flag("oom_kill_disable"),
        scalar("oom_score_adj", Type::Integer { least: -1000, most: 1000 }),
        field("pid", Shape::Nullable(&TEXT)),
        scalar("pids_limit", INTEGER),
        text("platform"),
        field("ports", Shape::List(&Shape::Either(&[Shape::Scalar(Type::TextOrInteger), Shape::Object(&PORT)]))),
        flag("privileged"),
        scalar("pull_policy", Type::PullPolicy),
        text("pull_refresh_after").print(Print::Never),
        flag("read_only"),
        text("restart"),
        text("runtime"),
        scalar("scale", INTEGER).given(),
        field("secrets", GRANTS),
        field("security_opt", UNIQUE_TEXTS),
        scalar("shm_size", Type::Bytes),
        flag("stdin_open"),
        scalar("stop_grace_period", Type::Duration).given(),
        text("stop_signal"),
        field("storage_opt", OPTIONS),
        field("sysctls", LIST_OR_MAPPING),
        field("tmpfs", TEXT_OR_LIST),
        flag("tty"),
        field("ulimits", ULIMITS),
        flag("use_api_socket"),
        text("user"),
        text("userns_mode"),
        text("uts"),
        field("volumes", Shape::List(&Shape::Either(&[TEXT, Shape::Object(&MOUNT)]))),
        field("volumes_from", UNIQUE_TEXTS),
        text("working_dir"),
        field("pre_start", Shape::List(&Shape::Object(&PRE_START))),
        field("post_start", Shape::List(&Shape::Object(&HOOK))),
        field("pre_stop", Shape::List(&Shape::Object(&HOOK))),
        field("x-rcompose", Shape::Object(&RCOMPOSE)),
    ],
);

/// What rcompose has beyond Compose.
static RCOMPOSE: Object = Object::closed(
    "x-rcompose",
    &[
        flag("strict_health"),
        flag("restart_unhealthy"),
        field("dns", Shape::Map(&TEXTS)),
        field("network", Shape::Object(&NETWORK_LIMITS)),
        field("allow", TEXTS),
    ],
);

static NETWORK_LIMITS: Object = Object::closed(
    "network limits",
    &[
        field("rate", Shape::Either(&[Shape::Scalar(Type::Rate), Shape::Object(&RATES)])),
        scalar("delay", Type::Duration),
        scalar("jitter", Type::Duration),
        scalar("loss", Type::Percentage),
    ],
);

static RATES: Object = Object::closed("rates", &[scalar("in", Type::Rate), scalar("out", Type::Rate)]);

static DEVELOP: Object = Object::new("develop", &[field("watch", Shape::List(&Shape::Object(&WATCH)))]);

static WATCH: Object = Object::new(
    "watch",
    &[
        scalar("path", Type::Path).required().print(Print::Given),
        scalar("action", Type::Word(&["rebuild", "restart", "sync", "sync+exec", "sync+restart"]))
            .required()
            .print(Print::Given),
        text("target"),
        field("exec", Shape::Object(&HOOK)).print(Print::Mapping),
        field("include", TEXT_OR_LIST),
        field("ignore", TEXT_OR_LIST),
        flag("initial_sync"),
    ],
);

const HOOK_COMMAND: Field = field("command", COMMAND).required().print(Print::Always);
const HOOK_USER: Field = text("user");
const HOOK_PRIVILEGED: Field = flag("privileged");
const HOOK_WORKING_DIR: Field = text("working_dir");
const HOOK_ENVIRONMENT: Field = field("environment", LIST_OR_MAPPING);

static HOOK: Object =
    Object::new("hook", &[HOOK_COMMAND, HOOK_USER, HOOK_PRIVILEGED, HOOK_WORKING_DIR, HOOK_ENVIRONMENT]);

static PRE_START: Object = Object::new(
    "pre_start",
    &[
        Field { required: false, ..HOOK_COMMAND },
        text("image"),
        HOOK_USER,
        HOOK_PRIVILEGED,
        HOOK_WORKING_DIR,
        HOOK_ENVIRONMENT,
        flag("per_replica"),
    ],
);

static BLKIO: Object = Object::closed(
    "blkio_config",
    &[
        scalar("weight", COUNT),
        field("weight_device", Shape::List(&Shape::Object(&BLKIO_WEIGHT))),
        field("device_read_bps", BLKIO_LIMITS),
        field("device_read_iops", BLKIO_LIMITS),
        field("device_write_bps", BLKIO_LIMITS),
        field("device_write_iops", BLKIO_LIMITS),
    ],
);

const BLKIO_LIMITS: Shape = Shape::List(&Shape::Object(&BLKIO_LIMIT));

static BLKIO_WEIGHT: Object = Object::closed("blkio_weight", &[text("path").given(), scalar("weight", COUNT).given()]);

static BLKIO_LIMIT: Object =
    Object::closed("blkio_limit", &[text("path").given(), scalar("rate", Type::Bytes).given()]);

static CREDENTIAL_SPEC: Object = Object::new("credential_spec", &[text("config"), text("file"), text("registry")]);

static DEPENDENCY: Object = Object::new(
    "dependency",
    &[
        scalar("condition", Type::Word(&["service_started", "service_healthy", "service_completed_successfully"]))
            .required(),
        flag("restart"),
        flag("required").print(Print::Switch),
    ],
);

static DEVICE: Object = Object::new("device", &[text("source").required(), text("target"), text("permissions")]);

static PROVIDER: Object = Object::new(
    "provider",
    &[
        text("type").required(),
        field(
            "options",
            Shape::Map(&Shape::Either(&[Shape::Scalar(Type::Anything), Shape::List(&Shape::Scalar(Type::Anything))])),
        ),
    ],
);

static ENV_FILE: Object =
    Object::closed("env_file", &[text("path").required(), flag("required").print(Print::Switch), text("format")]);

static EXTENDS: Object = Object::closed("extends", &[text("service").required(), text("file")]);

static HEALTHCHECK: Object = Object::new(
    "healthcheck",
    &[
        field("test", Shape::Either(&[TEXT, Shape::List(&TEXT)])),
        field("timeout", DURATION).given(),
        field("interval", DURATION).given(),
        scalar("retries", COUNT).given(),
        field("start_period", DURATION).given(),
        field("start_interval", DURATION).given(),
        flag("disable"),
    ],
);

static LOGGING: Object = Object::new("logging", &[text("driver"), field("options", OPTIONS)]);

static MODEL_BINDING: Object = Object::new("model_binding", &[text("endpoint_var"), text("model_var")]);

static ATTACHMENT: Object = Object::new(
    "attachment",
    &[
        field("aliases", TEXTS),
        field("driver_opts", OPTIONS),
        scalar("gw_priority", INTEGER),
        text("interface_name"),
        text("ipv4_address"),
        text("ipv6_address"),
        field("link_local_ips", TEXTS),
        text("mac_address"),
        scalar("priority", INTEGER),
    ],
);

static PORT: Object = Object::new(
    "port",
    &[
        text("name"),
        text("mode"),
        scalar("host_ip", Type::Address),
        scalar("target", COUNT),
        scalar("published", Type::TextOrInteger),
        text("protocol"),
        text("app_protocol"),
    ],
);

static MOUNT: Object = Object::new(
    "mount",
    &[
        scalar("type", Type::Word(&["bind", "volume", "tmpfs", "cluster", "npipe", "image"])).required(),
        text("source"),
        text("target"),
        flag("read_only"),
        text("consistency"),
        field("bind", Shape::Object(&BIND)).given(),
        field("volume", Shape::Object(&MOUNTED_VOLUME)).given(),
        field("tmpfs", Shape::Object(&TMPFS)).given(),
        field("image", Shape::Object(&MOUNTED_IMAGE)).given(),
    ],
);

static BIND: Object = Object::new(
    "bind",
    &[
        scalar("selinux", Type::Word(&["z", "Z"])),
        text("propagation"),
        flag("create_host_path"),
        scalar("recursive", Type::Word(&["disabled", "enabled", "readonly", "writable"])),
    ],
);

static MOUNTED_VOLUME: Object =
    Object::new("mounted_volume", &[field("labels", LIST_OR_MAPPING), flag("nocopy"), text("subpath")]);

static TMPFS: Object = Object::new("tmpfs", &[scalar("size", Type::Bytes), scalar("mode", COUNT)]);

static MOUNTED_IMAGE: Object = Object::new("mounted_image", &[text("subpath")]);
