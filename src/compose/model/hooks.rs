//! What runs besides a container: hooks, a provider instead of it.

use std::collections::BTreeMap;

use super::OneOrMany;
use super::element::element;
use crate::name::ImageReference;

element! {
    /// One of `post_start`, `pre_stop` or `pre_start`.
    pub struct Hook {
        /// `command`.
        command: Option<Vec<String>>,
        /// `image`: that of a `pre_start` container; the service's by default.
        image: Option<ImageReference>,
        /// `user`.
        user: Option<String>,
        /// `privileged`.
        privileged: bool,
        /// `working_dir`.
        working_dir: Option<String>,
        /// `environment`.
        #[serde(deserialize_with = "super::variable::set")]
        environment: BTreeMap<String, String>,
        /// `per_replica`: whether it runs for each container.
        per_replica: bool,
    }
}

element! {
    /// `provider`: a program that has the service instead of a container.
    pub struct Provider {
        /// `type`: the program.
        #[serde(rename = "type")]
        kind: String,
        /// `options`: its flags.
        options: BTreeMap<String, OneOrMany>,
    }
}
