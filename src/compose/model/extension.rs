//! `x-rcompose`.

use super::element::element;

element! {
    /// What a service may ask of rcompose for which Compose has no attribute.
    pub struct Extension {
        /// `strict_health`: Docker's timing of probes instead of the eager one.
        strict_health: bool,
    }
}
