//! `rcompose images`: what the containers were made from.

use std::process::ExitCode;

use jiff::Timestamp;
use serde_json::json;

use crate::cli::args::ImagesArgs;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::human;
use crate::cli::listing::ListFormat;
use crate::cli::output;
use crate::cli::select::{check_known, is_one_off, services};
use crate::cli::table::table_with;
use crate::image::Store;
use crate::name::ImageReference;
use crate::supervisor::{Configuration, Record};

/// The image of a container.
#[derive(Debug)]
struct Listed {
    container: String,
    id: String,
    repository: String,
    tag: String,
    platform: String,
    /// Bytes.
    size: u64,
    /// When it came to be called so on this machine, or when it was made.
    tagged_at: Option<Timestamp>,
}

pub(in crate::cli) fn run(context: &Context, args: &ImagesArgs) -> Result<ExitCode, CliError> {
    context.require_root()?;
    let project = context.resolve_name()?;
    let mut records = context.layout.project(&project).read_containers::<Configuration>()?;
    check_known(context, &args.services, &services(&records))?;
    records.retain(|record| args.services.is_empty() || args.services.contains(&record.service));
    records.retain(|record| !is_one_off(&record.labels));
    records.sort_by(|a, b| a.name.cmp(&b.name));
    let store = Store::open(&context.layout.images())?;
    let listed: Vec<Listed> = records.iter().map(|record| listed(&store, record)).collect::<Result<_, _>>()?;
    output::print(&match args.format {
        _ if args.quiet => as_ids(&listed),
        ListFormat::Table => as_table(&listed, Timestamp::now()),
        ListFormat::Json => as_json(&listed),
    })?;
    Ok(ExitCode::SUCCESS)
}

fn listed(store: &Store, record: &Record) -> Result<Listed, CliError> {
    let (repository, tag) = match &record.image {
        ImageReference::Registry(reference) => (reference.familiar(), reference.tag.clone().unwrap_or_default()),
        ImageReference::Rootfs(_) => (record.image.to_string(), String::new()),
    };
    let details = store.details(&record.image_id)?;
    let tagged_at = store.tagged_at(&record.image)?;
    Ok(Listed {
        container: record.name.to_string(),
        id: record.image_id.clone(),
        repository,
        tag,
        platform: details.as_ref().map_or_else(crate::image::host_platform, |details| details.platform.clone()),
        size: details.as_ref().map_or(0, |details| details.size),
        tagged_at: tagged_at.or_else(|| details.and_then(|details| details.created)),
    })
}

/// Each once, without the name of the hash.
fn as_ids(images: &[Listed]) -> String {
    let mut ids: Vec<&str> = Vec::new();
    for image in images {
        let id = image.id.strip_prefix("sha256:").unwrap_or(&image.id);
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids.into_iter().map(|id| format!("{id}\n")).collect()
}

/// How wide docker compose makes a column of this table at least.
const WIDTH: usize = 20;

fn as_table(images: &[Listed], now: Timestamp) -> String {
    let or_none = |text: &str| if text.is_empty() { "<none>".to_owned() } else { text.to_owned() };
    let row = |image: &Listed| {
        let id = image.id.strip_prefix("sha256:").map_or(image.id.as_str(), |id| id.get(..12).unwrap_or(id));
        let age = |at: Timestamp| human::duration(now.duration_since(at).try_into().unwrap_or_default());
        [
            image.container.clone(),
            or_none(&image.repository),
            or_none(&image.tag),
            image.platform.clone(),
            id.to_owned(),
            human::size_of(image.size, 3),
            image.tagged_at.map_or_else(|| "N/A".to_owned(), |at| format!("{} ago", age(at))),
        ]
    };
    let rows: Vec<_> = images.iter().map(row).collect();
    table_with(WIDTH, ["CONTAINER", "REPOSITORY", "TAG", "PLATFORM", "IMAGE ID", "SIZE", "CREATED"], &rows)
}

fn as_json(images: &[Listed]) -> String {
    let object = |image: &Listed| {
        // What Go has for a time that is not known.
        let tagged_at = image.tagged_at.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), |at| at.to_string());
        let fields = [
            ("ID", json!(image.id)),
            ("ContainerName", json!(image.container)),
            ("Repository", json!(image.repository)),
            ("Tag", json!(image.tag)),
            ("Platform", json!(image.platform)),
            ("Size", json!(image.size)),
            ("LastTagTime", json!(tagged_at)),
        ];
        let fields: Vec<_> = fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", fields.join(","))
    };
    format!("[{}]\n", images.iter().map(object).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        let at: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let web = Listed {
            container: "shop-web-1".to_owned(),
            id: format!("sha256:{}", "ab".repeat(32)),
            repository: "nginx".to_owned(),
            tag: "1.27".to_owned(),
            platform: "linux/amd64".to_owned(),
            size: 187_654_321,
            tagged_at: Some(at),
        };
        let host = Listed {
            container: "shop-host-1".to_owned(),
            id: "rootfs:/".to_owned(),
            repository: "rootfs:/".to_owned(),
            tag: String::new(),
            platform: "linux/amd64".to_owned(),
            size: 0,
            tagged_at: None,
        };
        let images = [host, web];
        insta::assert_snapshot!(as_table(&images, at + jiff::SignedDuration::from_hours(3)), @"
        CONTAINER           REPOSITORY          TAG                 PLATFORM            IMAGE ID            SIZE                CREATED
        shop-host-1         rootfs:/            <none>              linux/amd64         rootfs:/            0B                  N/A
        shop-web-1          nginx               1.27                linux/amd64         abababababab        188MB               3 hours ago
        ");
        let json = as_json(&images[1..]);
        assert!(
            json.starts_with("[{\"ID\":\"sha256:ab")
                && json.ends_with("\"Size\":187654321,\"LastTagTime\":\"2026-01-02T03:04:05Z\"}]\n"),
            "{json}"
        );
        assert_eq!(as_ids(&images), format!("rootfs:/\n{}\n", "ab".repeat(32)));
    }
}
