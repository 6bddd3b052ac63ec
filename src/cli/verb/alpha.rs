//! `rcompose alpha`.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Map, Value, json};

use crate::cli::args::{AlphaArgs, AlphaVerb, ConfigFormat, GenerateArgs};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::generated;
use crate::cli::output;
use crate::cli::viz;
use crate::compose::LoadOptions;
use crate::supervisor::{Configuration, Record};

pub(in crate::cli) fn run(context: &Context, args: &AlphaArgs) -> Result<ExitCode, CliError> {
    let text = match &args.verb {
        AlphaVerb::Viz(args) => viz::as_dot(&context.load(&[])?, args),
        AlphaVerb::Generate(args) => generate(context, args)?,
    };
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// A Compose file of containers: their services as they were when the containers were made.
fn generate(context: &Context, args: &GenerateArgs) -> Result<String, CliError> {
    context.require_root()?;
    let mut file = Map::new();
    let directory = args.project_dir.as_deref().and_then(Path::file_name);
    let name = args.name.clone().or_else(|| directory.map(|name| name.to_string_lossy().into_owned()));
    if let Some(name) = name {
        file.insert("name".to_owned(), json!(name));
    }
    let (mut services, mut networks, mut volumes) = (Map::new(), Map::new(), Map::new());
    let mut scales: BTreeMap<String, u32> = BTreeMap::new();
    for (record, known) in find(context, &args.containers)? {
        let key = record.service.to_string();
        *scales.entry(key.clone()).or_default() += 1;
        let mut service = serde_json::to_value(&record.config.service).map_err(io::Error::from)?;
        service["image"] = json!(record.image);
        escape(&mut service);
        services.insert(key, service);
        networks.extend(known);
        let named = record.config.volumes.iter();
        volumes.extend(named.map(|(key, name)| (key.to_string(), json!({"name": name, "external": true}))));
    }
    for (service, scale) in scales.iter().filter(|(_, scale)| **scale > 1) {
        services[service]["scale"] = json!(scale);
    }
    for service in services.values_mut() {
        // What was not asked for is not there to be waited for.
        if let Some(Value::Object(depends_on)) = service.get_mut("depends_on") {
            depends_on.retain(|on, _| scales.contains_key(on));
        }
    }
    file.insert("services".to_owned(), services.into());
    file.insert("networks".to_owned(), networks.into());
    file.insert("volumes".to_owned(), volumes.into());
    let options = LoadOptions { project_directory: args.project_dir.clone(), ..context.load_options(&[])? };
    let resolved = generated::resolved(options, Value::Object(file))?;
    Ok(match args.format {
        ConfigFormat::Yaml => resolved.to_yaml(),
        ConfigFormat::Json => resolved.to_json(),
    })
}

/// Whoever reads the file takes `$` for the beginning of a variable.
fn escape(value: &mut Value) {
    match value {
        Value::String(text) => *text = text.replace('$', "$$"),
        Value::Array(values) => values.iter_mut().for_each(escape),
        Value::Object(entries) => entries.values_mut().for_each(escape),
        _ => {}
    }
}

/// A container with the networks it is on.
type Found = (Record, Map<String, Value>);

/// The containers of all projects that `names` are of, each with the networks it is on, as a Compose file has these.
fn find(context: &Context, names: &[String]) -> Result<Vec<Found>, CliError> {
    let mut found: Vec<Found> = Vec::new();
    for project in context.layout.project_names()? {
        let paths = context.layout.project(&project);
        let networks = paths.read_networks()?;
        for record in paths.read_containers::<Configuration>()? {
            let is_named = |name: &String| {
                record.name.as_str() == name || (name.len() >= 4 && record.id.as_str().starts_with(name.as_str()))
            };
            if names.iter().any(is_named) {
                let own = networks
                    .iter()
                    .filter(|network| record.endpoints.iter().any(|endpoint| endpoint.network == network.key));
                let own = own.map(|network| {
                    (network.key.to_string(), json!({"name": network.name, "internal": network.internal}))
                });
                found.push((record.clone(), own.collect()));
            }
        }
    }
    for name in names {
        let is_there = |(record, _): &Found| record.name.as_str() == name || record.id.as_str().starts_with(name);
        if !found.iter().any(is_there) {
            return Err(CliError::NoSuchContainerName { container: name.clone(), known: Vec::new() });
        }
    }
    Ok(found)
}
