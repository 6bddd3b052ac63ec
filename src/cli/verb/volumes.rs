//! `rcompose volumes`: from the records on disk alone.

use std::collections::BTreeSet;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::cli::args::VolumesArgs;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::listing::Listing;
use crate::cli::output;
use crate::cli::select::{check_known, services};
use crate::state::VolumeRecord;
use crate::supervisor::Configuration;

const LIST: Listing = Listing {
    columns: "{{.Driver}}\t{{.Name}}",
    headers: &[
        ("Availability", "AVAILABILITY"),
        ("Driver", "DRIVER"),
        ("Group", "GROUP"),
        ("Labels", "LABELS"),
        ("Links", "LINKS"),
        ("Mountpoint", "MOUNTPOINT"),
        ("Name", "VOLUME NAME"),
        ("Scope", "SCOPE"),
        ("Size", "SIZE"),
        ("Status", "STATUS"),
    ],
};

pub(in crate::cli) fn run(context: &Context, args: &VolumesArgs) -> Result<ExitCode, CliError> {
    context.require_root()?;
    let project = context.resolve_name()?;
    let records = context.layout.project(&project).read_containers::<Configuration>()?;
    check_known(context, &args.services, &services(&records))?;
    let mut volumes = context.layout.project_volumes(&project)?;
    if !args.services.is_empty() {
        let named = records.iter().filter(|record| args.services.contains(&record.service));
        let used: BTreeSet<&String> = named.flat_map(|record| record.config.volumes.values()).collect();
        volumes.retain(|volume| used.contains(&volume.name));
    }
    let text = if args.quiet {
        volumes.iter().map(|volume| format!("{}\n", volume.name)).collect()
    } else {
        let json: Vec<Value> = volumes.iter().map(|volume| fields(context, volume)).collect();
        let mut values = json.clone();
        for (value, volume) in values.iter_mut().zip(&volumes) {
            value["Label"] = json!(labels(volume).collect::<std::collections::BTreeMap<_, _>>());
        }
        LIST.print(&values, &args.format, |index| json[index].to_string())?
    };
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// The labels of a volume: those that were given, and those that docker compose gives.
fn labels(volume: &VolumeRecord) -> impl Iterator<Item = (String, String)> {
    let own = [
        ("com.docker.compose.project", volume.project.as_ref().map(ToString::to_string)),
        ("com.docker.compose.volume", volume.key.clone()),
    ];
    let own = own.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    own.chain(volume.labels.clone())
}

/// The fields of a volume, all of them texts as with docker.
fn fields(context: &Context, volume: &VolumeRecord) -> Value {
    let labels: Vec<_> = labels(volume).map(|(name, value)| format!("{name}={value}")).collect();
    json!({
        "Availability": "N/A",
        "Driver": "local",
        "Group": "N/A",
        "Labels": labels.join(","),
        // docker has these two too when nobody asked for sizes, which take long to count.
        "Links": "N/A",
        "Size": "N/A",
        "Mountpoint": context.layout.volume_data(&volume.name),
        "Name": volume.name,
        "Scope": "local",
        "Status": "N/A",
    })
}
