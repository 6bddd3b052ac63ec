//! `models`, of the project and of a service.

use super::element::element;

element! {
    /// A language model of the project.
    pub struct AiModel {
        /// `name`.
        name: Option<String>,
        /// `model`: the artifact that holds it.
        model: String,
        /// `context_size` in tokens.
        context_size: Option<u64>,
        /// `runtime_flags`.
        runtime_flags: Vec<String>,
    }
}

element! {
    /// How a service learns of a model.
    pub struct AiModelBinding {
        /// `endpoint_var`: the variable that gets its URL.
        endpoint_var: Option<String>,
        /// `model_var`: the variable that gets its name.
        model_var: Option<String>,
    }
}
