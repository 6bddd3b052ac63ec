//! `build df`: what builds keep on disk.

use std::cmp::Reverse;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde_json::json;

use crate::build::disk::{Item, Listed};
use crate::cli::args::BuildDfArgs;
use crate::cli::build::Disk;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::human;
use crate::cli::listing::ListFormat;
use crate::cli::output;
use crate::cli::table::table;

/// What names a thing in a list.
const SHORT: usize = 12;

pub(super) fn run(context: &Context, args: &BuildDfArgs) -> Result<ExitCode, CliError> {
    context.require_root()?;
    let mut listed = Disk::open(context)?.list(Duration::ZERO)?;
    listed.items.sort_by_key(|item| (item.is_shared, Reverse(item.size), item.id.clone()));
    output::print(&match args.format {
        ListFormat::Table => as_table(&listed, SystemTime::now()),
        ListFormat::Json => as_json(&listed),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// What names a thing in short.
pub(super) fn short(item: &Item) -> &str {
    item.id.get(..SHORT).unwrap_or(&item.id)
}

/// What would be free if all of `items` were removed, in bytes.
pub(super) fn frees<'a>(items: impl IntoIterator<Item = &'a Item>) -> u64 {
    items.into_iter().filter(|item| !item.is_shared).map(|item| item.size).sum()
}

fn as_table(listed: &Listed, now: SystemTime) -> String {
    let row = |item: &Item| {
        [
            short(item).to_owned(),
            item.kind.name().to_owned(),
            human::size_of(item.size, 3),
            item.is_shared.to_string(),
            format!("{} ago", human::duration(now.duration_since(item.used).unwrap_or_default())),
            item.name.clone(),
        ]
    };
    let rows: Vec<_> = listed.items.iter().map(row).collect();
    let shared: u64 = listed.items.iter().filter(|item| item.is_shared).map(|item| item.size).sum();
    let frees = frees(&listed.items);
    format!(
        "{}\nShared with images: {}\nReclaimable: {}\nTotal: {}\n",
        table(["ID", "TYPE", "SIZE", "SHARED", "LAST USED", "DESCRIPTION"], &rows),
        human::size_of(shared, 3),
        human::size_of(frees, 3),
        human::size_of(shared + frees, 3)
    )
}

fn as_json(listed: &Listed) -> String {
    let time = |time: SystemTime| Timestamp::try_from(time).unwrap_or_default().to_string();
    let object = |item: &Item| {
        json!({
            "ID": item.id,
            "Type": item.kind.name(),
            "Size": item.size,
            "Shared": item.is_shared,
            "CreatedAt": time(item.created),
            "LastUsedAt": time(item.used),
            "Description": item.name,
        })
    };
    format!("{}\n", serde_json::Value::Array(listed.items.iter().map(object).collect()))
}
