//! `volumes` of the project.

use std::collections::BTreeMap;

use serde_json::Value;

use super::element::element;

element! {
    /// A named volume of the project.
    pub struct Volume {
        /// The name on the host: `<project>_<key>` unless given.
        name: String,
        /// `driver`.
        driver: Option<String>,
        /// `driver_opts`.
        driver_opts: BTreeMap<String, String>,
        /// Whether it exists outside the project.
        external: bool,
        /// `labels`.
        labels: BTreeMap<String, String>,
        /// `x-*`.
        #[serde(flatten)]
        extensions: BTreeMap<String, Value>,
    }
}
