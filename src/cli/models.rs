//! Language models that services use: a server that somebody runs, such as llama.cpp, Ollama or vLLM, named in the user's
//! `config.toml`. Services are told where it is, and what the model is called.

use serde::Deserialize;

use crate::compose::model::Project;
use crate::name::ServiceName;

/// `[models]` `endpoint` of `config.toml`: the URL of the server, as containers reach it.
///
/// # Errors
/// What is wrong with it, with its line.
pub(super) fn endpoint(config: &str) -> Result<Option<String>, toml::de::Error> {
    #[derive(Deserialize)]
    struct Document {
        #[serde(default)]
        models: Section,
    }
    #[derive(Default, Deserialize)]
    struct Section {
        endpoint: Option<String>,
    }
    Ok(toml::from_str::<Document>(config)?.models.endpoint)
}

/// Gives services the variables of the models that they use.
///
/// # Errors
/// The first of `services` that uses a model, and the model, when there is no server.
pub(super) fn bind<'a>(
    project: &mut Project,
    endpoint: Option<&str>,
    services: impl IntoIterator<Item = &'a ServiceName>,
) -> Result<(), (ServiceName, String)> {
    for name in services {
        let Some(service) = project.services.get_mut(name) else { continue };
        for (key, binding) in &service.models {
            let Some(endpoint) = endpoint else { return Err((name.clone(), key.clone())) };
            let binding = binding.clone().unwrap_or_default();
            let prefix = key.to_uppercase().replace('-', "_");
            let model = project.models.get(key).map_or(key.as_str(), |model| model.model.as_str());
            let endpoint_var = binding.endpoint_var.unwrap_or_else(|| format!("{prefix}_URL"));
            let model_var = binding.model_var.unwrap_or_else(|| format!("{prefix}_MODEL"));
            for (variable, value) in [(endpoint_var, endpoint), (model_var, model)] {
                service.environment.entry(variable).or_insert_with(|| value.to_owned());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::model::{AiModel, Service};
    use crate::name::ProjectName;

    #[test]
    fn services_learn_where_their_models_are() {
        let mut project = Project::new(ProjectName::new("shop").unwrap(), "/srv");
        let model = AiModel { model: "ai/smollm2".to_owned(), ..AiModel::default() };
        project.models.insert("my-llm".to_owned(), model);
        let web: Service = serde_json::from_str(
            r#"{"image": "a", "models": {"my-llm": null}, "environment": {"MY_LLM_MODEL": "own"}}"#,
        )
        .unwrap();
        let name = ServiceName::new("web").unwrap();
        project.services.insert(name.clone(), web);
        assert_eq!(bind(&mut project, None, [&name]), Err((name.clone(), "my-llm".to_owned())));
        bind(&mut project, Some("http://10.0.0.1:8080/v1"), [&name]).unwrap();
        let environment = &project.services[&name].environment;
        assert_eq!(environment["MY_LLM_URL"], "http://10.0.0.1:8080/v1");
        assert_eq!(environment["MY_LLM_MODEL"], "own");
    }

    #[test]
    fn the_setting_is_a_url() {
        assert_eq!(endpoint(""), Ok(None));
        assert_eq!(endpoint("[models]\nendpoint = \"http://h/v1\""), Ok(Some("http://h/v1".to_owned())));
        assert!(endpoint("[models]\nendpoint = 5").is_err());
    }
}
