//! `build`.

use super::{
    EXTRA_HOSTS, Field, GRANTS, LIST_OR_MAPPING, Object, Shape, TEXT, TEXTS, Type, ULIMITS, field, flag, scalar, text,
};

const LIST: Shape = Shape::List(&TEXT);
const SWITCH_OR_TEXT: Type = Type::Anything;

pub(super) static BUILD: Object = Object::new(
    "build",
    &[
        text("context"),
        text("dockerfile"),
        text("dockerfile_inline"),
        field("entitlements", LIST),
        field("args", LIST_OR_MAPPING),
        scalar("provenance", SWITCH_OR_TEXT),
        scalar("sbom", SWITCH_OR_TEXT),
        field("ssh", LIST_OR_MAPPING),
        field("labels", LIST_OR_MAPPING),
        field("cache_from", LIST),
        field("cache_to", LIST),
        flag("no_cache"),
        NO_CACHE_FILTER,
        field("additional_contexts", LIST_OR_MAPPING),
        flag("pull"),
        field("extra_hosts", EXTRA_HOSTS),
        text("isolation"),
        text("network"),
        text("target"),
        field("secrets", GRANTS),
        scalar("shm_size", Type::Bytes),
        field("tags", LIST),
        field("ulimits", ULIMITS),
        field("platforms", LIST),
        flag("privileged"),
    ],
);

const NO_CACHE_FILTER: Field = field("no_cache_filter", Shape::Either(&[TEXT, TEXTS]));
