//! What only Windows has.

use super::element::element;

element! {
    /// `credential_spec`.
    pub struct CredentialSpec {
        /// `config`.
        config: Option<String>,
        /// `file`.
        file: Option<String>,
        /// `registry`.
        registry: Option<String>,
    }
}
