//! `rcompose snapshot`: what is in the project's volumes, kept and put back.

use std::collections::BTreeMap;
use std::process::ExitCode;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::network::remove::finish;
use crate::cli::args::{
    SnapshotArgs, SnapshotCreateArgs, SnapshotLsArgs, SnapshotRestoreArgs, SnapshotRmArgs, SnapshotVerb,
};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::follow::complete;
use crate::cli::human;
use crate::cli::interrupt::interruptible;
use crate::cli::listing::Listing;
use crate::cli::output;
use crate::cli::select::file_or_name;
use crate::compose::model::Project;
use crate::image::Store;
use crate::name::{ProjectName, SnapshotName, VolumeName};
use crate::plan::{self, Action};
use crate::state::{SavedVolume, SnapshotRecord};
use crate::supervisor::{Client, Configuration, Request, SnapshotWish, observe, volume_users};

const LIST: Listing = Listing {
    columns: "{{.Name}}\t{{.CreatedSince}}\t{{.Size}}\t{{.Volumes}}",
    headers: &[
        ("CreatedAt", "CREATED AT"),
        ("CreatedSince", "CREATED"),
        ("Name", "SNAPSHOT NAME"),
        ("Size", "SIZE"),
        ("Volumes", "VOLUMES"),
    ],
};

pub(in crate::cli) async fn run(context: &Context, args: SnapshotArgs) -> Result<ExitCode, CliError> {
    context.require_root()?;
    match args.verb {
        SnapshotVerb::Create(args) => create(context, args).await,
        SnapshotVerb::Ls(args) => ls(context, &args),
        SnapshotVerb::Restore(args) => restore(context, args).await,
        SnapshotVerb::Rm(args) => rm(context, &args).await,
    }
}

async fn create(context: &Context, args: SnapshotCreateArgs) -> Result<ExitCode, CliError> {
    let (project, file) = file_or_name(context)?;
    let volumes = chosen(context, &project, file.as_ref(), &args.volumes)?;
    if context.globals.dry_run {
        let names: Vec<_> = volumes.values().map(String::as_str).collect();
        output::print(&format!("copy {} to snapshot {}\n", names.join(", "), args.name))?;
        return Ok(ExitCode::SUCCESS);
    }
    let wish = SnapshotWish::Create { name: args.name, volumes, pause: !args.no_pause, replace: args.force };
    ask(context, &project, wish).await
}

async fn restore(context: &Context, args: SnapshotRestoreArgs) -> Result<ExitCode, CliError> {
    let (project, file) = file_or_name(context)?;
    let snapshot = find(context, &project, &args.name)?;
    let mut volumes = Vec::new();
    for saved in &snapshot.volumes {
        if args.volumes.is_empty() || args.volumes.iter().any(|key| key.as_str() == saved.key) {
            volumes.push(saved.volume.name.clone());
        }
    }
    let known = || snapshot.volumes.iter().map(|saved| saved.key.clone()).collect::<Vec<_>>();
    if let Some(unknown) = args.volumes.iter().find(|key| !known().iter().any(|known| known == key.as_str())) {
        return Err(CliError::NoSuchVolume { volume: unknown.to_string(), known: known() });
    }
    if context.globals.dry_run {
        let users = volume_users(&context.layout, &volumes)?.into_iter().map(|user| user.service).collect();
        let store = Store::open(&context.layout.images())?;
        let observed = observe(&context.layout, &project, file.as_ref(), &store)?;
        let action = Action::Restore { snapshot: args.name, volumes, users };
        output::print(&plan::act(file.as_ref(), &observed, &[], &action)?.to_string())?;
        return Ok(ExitCode::SUCCESS);
    }
    let wish = SnapshotWish::Restore { project: file.map(Box::new), name: args.name, volumes, stop: args.stop };
    ask(context, &project, wish).await
}

/// Has the supervisor do it, and shows how far it is.
async fn ask(context: &Context, project: &ProjectName, wish: SnapshotWish) -> Result<ExitCode, CliError> {
    let client = Client::request(&context.layout, project, &Request::Snapshot(wish)).await?;
    let progress = output::progress(&context.globals, "snapshot");
    interruptible(complete(client, progress, output::paint(&context.globals))).await?;
    Ok(ExitCode::SUCCESS)
}

async fn rm(context: &Context, args: &SnapshotRmArgs) -> Result<ExitCode, CliError> {
    let project = context.resolve_name()?;
    for name in &args.names {
        match find(context, &project, name) {
            Err(CliError::NoSuchSnapshot { .. }) if args.force => continue,
            found => found?,
        };
        if !context.globals.dry_run {
            let request = Request::Snapshot(SnapshotWish::Remove { name: name.clone() });
            finish(context, Client::request(&context.layout, &project, &request).await?).await?;
        }
        output::print(&format!("{name}\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn ls(context: &Context, args: &SnapshotLsArgs) -> Result<ExitCode, CliError> {
    let project = context.resolve_name()?;
    let snapshots = context.layout.read_snapshots(&project)?;
    let text = if args.quiet {
        snapshots.iter().map(|snapshot| format!("{}\n", snapshot.name)).collect()
    } else {
        let now = Timestamp::now();
        let values: Vec<Value> = snapshots.iter().map(|snapshot| fields(snapshot, now)).collect();
        LIST.print(&values, &args.format, |index| values[index].to_string())?
    };
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// The fields of a snapshot, all of them texts as in docker's lists.
fn fields(snapshot: &SnapshotRecord, now: Timestamp) -> Value {
    let volumes: Vec<&str> = snapshot.volumes.iter().map(|saved| saved.key.as_str()).collect();
    // None when a clock was set back in between.
    let age = now.duration_since(snapshot.created_at).try_into().unwrap_or_default();
    json!({
        "CreatedAt": snapshot.created_at.to_string(),
        "CreatedSince": format!("{} ago", human::duration(age)),
        "Name": snapshot.name,
        "Size": human::size(snapshot.volumes.iter().map(|SavedVolume { size, .. }| size).sum()),
        "Volumes": volumes.join(","),
    })
}

fn find(context: &Context, project: &ProjectName, name: &SnapshotName) -> Result<SnapshotRecord, CliError> {
    if let Some(snapshot) = context.layout.read_snapshot(project, name)? {
        return Ok(snapshot);
    }
    let known = context.layout.read_snapshots(project)?.into_iter().map(|snapshot| snapshot.name.to_string()).collect();
    Err(CliError::NoSuchSnapshot { snapshot: name.clone(), known })
}

/// The names on the host of the volumes that are meant, by key: those called `keys`, else all that belong to the project.
fn chosen(
    context: &Context,
    project: &ProjectName,
    file: Option<&Project>,
    keys: &[VolumeName],
) -> Result<BTreeMap<String, String>, CliError> {
    let mut own: BTreeMap<String, String> = BTreeMap::new();
    for volume in context.layout.project_volumes(project)? {
        own.extend(volume.key.map(|key| (key, volume.name)));
    }
    let mut known = own.clone();
    for record in context.layout.project(project).read_containers::<Configuration>()? {
        known.extend(record.config.volumes.into_iter().map(|(key, name)| (key.to_string(), name)));
    }
    for (key, volume) in file.iter().flat_map(|project| &project.volumes) {
        known.insert(key.to_string(), volume.name.clone());
        // Renamed in the file, it may be there under both names.
        if !volume.external && context.layout.read_volume(&volume.name)?.is_some() {
            own.insert(key.to_string(), volume.name.clone());
        }
    }
    if keys.is_empty() {
        return if own.is_empty() { Err(CliError::NoVolumes { project: project.clone() }) } else { Ok(own) };
    }
    let find = |key: &VolumeName| {
        let name = known.get(key.as_str()).map(|name| (key.to_string(), name.clone()));
        name.ok_or_else(|| CliError::NoSuchVolume { volume: key.to_string(), known: known.keys().cloned().collect() })
    };
    keys.iter().map(find).collect()
}
