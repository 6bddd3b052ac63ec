//! `deploy` and the requests for devices that it shares with `gpus`.

use super::{
    COUNT, DURATION, INTEGER, LIST_OR_MAPPING, Object, Print, Shape, TEXT, Type, UNIQUE_TEXTS, field, scalar, text,
};

pub(super) static DEPLOY: Object = Object::new(
    "deploy",
    &[
        text("mode"),
        scalar("replicas", INTEGER).given(),
        field("labels", LIST_OR_MAPPING),
        field("update_config", Shape::Object(&UPDATE)).given(),
        field("rollback_config", Shape::Object(&UPDATE)).given(),
        field("resources", Shape::Object(&RESOURCES)).print(Print::Mapping),
        field("restart_policy", Shape::Object(&RESTART_POLICY)).given(),
        field("placement", Shape::Object(&PLACEMENT)).print(Print::Mapping),
        text("endpoint_mode"),
    ],
);

static UPDATE: Object = Object::new(
    "update_config",
    &[
        scalar("parallelism", COUNT).given(),
        scalar("delay", Type::Duration),
        text("failure_action"),
        scalar("monitor", Type::Duration),
        scalar("max_failure_ratio", Type::Number),
        scalar("order", Type::Word(&["start-first", "stop-first"])),
    ],
);

static RESOURCES: Object = Object::new(
    "resources",
    &[field("limits", Shape::Object(&LIMITS)).given(), field("reservations", Shape::Object(&RESERVATIONS)).given()],
);

static LIMITS: Object =
    Object::new("limits", &[scalar("cpus", Type::Number), scalar("memory", Type::SizeText), scalar("pids", INTEGER)]);

static RESERVATIONS: Object = Object::new(
    "reservations",
    &[
        scalar("cpus", Type::Number),
        scalar("memory", Type::SizeText),
        field("devices", Shape::List(&Shape::Object(&RESERVED_DEVICE))),
        field("generic_resources", Shape::List(&Shape::Object(&GENERIC_RESOURCE))),
    ],
);

static RESERVED_DEVICE: Object = Object::new(
    "reserved_device",
    &[
        field("capabilities", UNIQUE_TEXTS).required(),
        text("driver"),
        scalar("count", Type::DeviceCount),
        field("device_ids", UNIQUE_TEXTS),
        field("options", LIST_OR_MAPPING),
    ],
);

pub(super) static GPU: Object = Object::new(
    "gpu",
    &[
        field("capabilities", UNIQUE_TEXTS),
        text("driver"),
        scalar("count", Type::DeviceCount),
        field("device_ids", UNIQUE_TEXTS),
        field("options", LIST_OR_MAPPING),
    ],
);

static GENERIC_RESOURCE: Object =
    Object::new("generic_resource", &[field("discrete_resource_spec", Shape::Object(&DISCRETE_RESOURCE)).given()]);

static DISCRETE_RESOURCE: Object =
    Object::new("discrete_resource_spec", &[text("kind").print(Print::Given), scalar("value", INTEGER).given()]);

static RESTART_POLICY: Object = Object::new(
    "restart_policy",
    &[
        text("condition"),
        field("delay", DURATION).given(),
        scalar("max_attempts", COUNT).given(),
        field("window", DURATION).given(),
    ],
);

static PLACEMENT: Object = Object::new(
    "placement",
    &[
        field("constraints", Shape::List(&TEXT)),
        field("preferences", Shape::List(&Shape::Object(&PREFERENCE))),
        scalar("max_replicas_per_node", COUNT),
    ],
);

static PREFERENCE: Object = Object::new("placement_preference", &[text("spread")]);
