//! The top level, and everything in it that is not a service.

use super::service::SERVICE;
use super::{
    LIST_OR_MAPPING, OPTIONS, Object, Print, Shape, TEXT, TEXT_OR_LIST, TEXTS, Type, field, flag, scalar, text,
};

pub(in crate::compose) static PROJECT: Object = Object::new(
    "compose file",
    &[
        text("version").print(Print::Never),
        text("name"),
        field("include", Shape::List(&Shape::Either(&[TEXT, Shape::Object(&INCLUDE)]))).print(Print::Never),
        field("services", Shape::Named(&Shape::Object(&SERVICE))).print(Print::Mapping),
        field("networks", Shape::Named(&Shape::Nullable(&Shape::Object(&NETWORK)))),
        field("volumes", Shape::Named(&Shape::Nullable(&Shape::Object(&VOLUME)))),
        field("secrets", Shape::Named(&Shape::Object(&SECRET))),
        field("configs", Shape::Named(&Shape::Object(&CONFIG))),
        field("models", Shape::Named(&Shape::Object(&MODEL))),
        field("x-rcompose", Shape::Object(&RCOMPOSE)),
    ],
);

/// What rcompose has beyond Compose.
static RCOMPOSE: Object =
    Object::closed("x-rcompose of the file", &[field("allow", TEXTS), scalar("publish", Type::Address)]);

static INCLUDE: Object = Object::closed(
    "include",
    &[field("path", TEXT_OR_LIST), field("env_file", TEXT_OR_LIST), text("project_directory")],
);

/// `external: true`, or the deprecated `external: {name: …}`.
const EXTERNAL: Shape = Shape::Either(&[Shape::Scalar(Type::Boolean), Shape::Object(&EXTERNAL_NAME)]);

static EXTERNAL_NAME: Object = Object::new("external", &[text("name")]);

static NETWORK: Object = Object::new(
    "network",
    &[
        text("name"),
        text("driver"),
        field("driver_opts", OPTIONS),
        field("ipam", Shape::Object(&IPAM)).print(Print::Mapping),
        field("external", EXTERNAL),
        flag("internal"),
        flag("attachable"),
        field("labels", LIST_OR_MAPPING),
        flag("enable_ipv4").given(),
        flag("enable_ipv6").given(),
    ],
);

static IPAM: Object = Object::new(
    "ipam",
    &[
        text("driver"),
        field("config", Shape::List(&Shape::Object(&SUBNET))),
        // Not printed, as there.
        field("options", Shape::Map(&TEXT)).print(Print::Never),
    ],
);

static SUBNET: Object = Object::new(
    "subnet",
    &[text("subnet"), text("gateway"), text("ip_range"), field("aux_addresses", Shape::Map(&TEXT))],
);

static VOLUME: Object = Object::new(
    "volume",
    &[
        text("name"),
        text("driver"),
        field("driver_opts", OPTIONS),
        field("external", EXTERNAL),
        field("labels", LIST_OR_MAPPING),
    ],
);

static SECRET: Object = Object::new(
    "secret",
    &[
        text("name"),
        text("file"),
        text("environment"),
        field("external", EXTERNAL),
        field("labels", LIST_OR_MAPPING),
        text("driver"),
        field("driver_opts", OPTIONS),
        text("template_driver"),
    ],
);

static CONFIG: Object = Object::new(
    "config",
    &[
        text("name"),
        text("file"),
        text("environment"),
        text("content"),
        field("external", EXTERNAL),
        field("labels", LIST_OR_MAPPING),
        text("template_driver"),
    ],
);

static MODEL: Object = Object::new(
    "model",
    &[
        text("name"),
        text("model").required(),
        scalar("context_size", super::INTEGER),
        field("runtime_flags", Shape::List(&TEXT)),
    ],
);
