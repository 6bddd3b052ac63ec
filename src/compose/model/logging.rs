//! `logging`.

use std::collections::BTreeMap;

use super::element::element;
use crate::compose::units;

element! {
    /// Where the output of a container goes.
    pub struct Logging {
        /// `driver`.
        driver: Option<String>,
        /// `options`.
        options: BTreeMap<String, String>,
    }
}

impl Logging {
    /// `max-size`: the size, in bytes, from which a file is rotated.
    #[must_use]
    pub fn max_size(&self) -> Option<u64> {
        self.options.get("max-size").and_then(|text| units::bytes(text).ok()).filter(|size| *size > 0)
    }

    /// `max-file`: how many files there are at most.
    #[must_use]
    pub fn max_file(&self) -> Option<u32> {
        self.options.get("max-file").and_then(|text| text.parse().ok()).filter(|files| *files > 0)
    }
}
