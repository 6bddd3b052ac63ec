//! `build prune`: removes what builds keep.

use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use super::df::{frees, short};
use crate::build::disk::{Item, Kind, Limits};
use crate::cli::args::BuildPruneArgs;
use crate::cli::build::{BuildFailure, Disk, SETTLED};
use crate::cli::confirm::confirmed;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::human;
use crate::cli::moment::moment;
use crate::cli::network::InvalidFilter;
use crate::cli::output;

const KINDS: [Kind; 3] = [Kind::Step, Kind::Mount, Kind::Source];

pub(super) fn run(context: &Context, args: &BuildPruneArgs) -> Result<ExitCode, CliError> {
    let limits = limits(args, Timestamp::now())?;
    context.require_root()?;
    let disk = Disk::open(context)?;
    if context.globals.dry_run {
        let listed = disk.list(SETTLED)?;
        report(&limits.choose(&listed.items), "Would be deleted")?;
        return Ok(ExitCode::SUCCESS);
    }
    if !args.force && !confirmed(question(args.all))? {
        return Ok(ExitCode::SUCCESS);
    }
    match disk.prune(&limits, SETTLED)? {
        Some(removed) => report(&removed.iter().collect::<Vec<_>>(), "Deleted build cache")?,
        None => return Err(BuildFailure::CacheBusy.into()),
    }
    Ok(ExitCode::SUCCESS)
}

fn question(all: bool) -> &'static str {
    match all {
        true => "WARNING! This will remove all that builds keep.\nAre you sure you want to continue? [y/N] ",
        false => {
            "WARNING! This will remove all that builds keep and no image has.\nAre you sure you want to continue? [y/N] "
        }
    }
}

fn report(items: &[&Item], title: &str) -> Result<(), CliError> {
    let mut text = String::new();
    if !items.is_empty() {
        text = format!("{title}:\n");
        items.iter().for_each(|item| text.push_str(&format!("{} {} {}\n", short(item), item.kind.name(), item.name)));
        text.push('\n');
    }
    text.push_str(&format!("Total reclaimed space: {}\n", human::size(frees(items.iter().copied()))));
    Ok(output::print(&text)?)
}

fn limits(args: &BuildPruneArgs, now: Timestamp) -> Result<Limits, InvalidFilter> {
    let mut limits = Limits { size: args.max_used_space, shared: args.all, ..Limits::default() };
    for text in &args.filter {
        let invalid = |rule: &str| InvalidFilter { text: text.clone(), rule: rule.to_owned() };
        match text.split_once('=').ok_or_else(|| invalid("it must be KIND=VALUE"))? {
            ("until", value) => {
                let until = moment(value, now).ok_or_else(|| invalid("until is a time, or how long ago: 24h"))?;
                let until =
                    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(until.as_second()).unwrap_or_default());
                // All of them hold: the earliest is the one.
                limits.unused_since = Some(limits.unused_since.map_or(until, |other| other.min(until)));
            }
            ("type", value) => {
                let kind = KINDS.into_iter().find(|kind| kind.name() == value);
                limits.kinds.push(kind.ok_or_else(|| invalid("type is one of step, mount, source"))?);
            }
            ("id", value) => limits.id = Some(value.to_owned()),
            _ => return Err(invalid("the kinds are until, type, id")),
        }
    }
    Ok(limits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters() {
        let args = |filter: &[&str]| BuildPruneArgs {
            all: false,
            filter: filter.iter().map(|text| (*text).to_owned()).collect(),
            force: true,
            max_used_space: Some(5),
        };
        let now: Timestamp = "2026-01-02T00:00:00Z".parse().unwrap();
        let limits = |filter: &[&str]| super::limits(&args(filter), now);
        let day_before = "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap();
        let expected = Limits {
            size: Some(5),
            unused_since: Some(day_before.into()),
            kinds: vec![Kind::Step, Kind::Mount],
            id: Some("ab".to_owned()),
            ..Limits::default()
        };
        let filters = ["until=24h", "until=1h", "type=step", "type=mount", "id=ab"];
        assert_eq!(limits(&filters), Ok(expected));
        for (filter, rule) in
            [("until", "KIND=VALUE"), ("until=x", "how long ago"), ("type=x", "one of step"), ("x=y", "the kinds are")]
        {
            assert!(limits(&[filter]).unwrap_err().to_string().contains(rule), "{filter}");
        }
    }
}
