//! `rcompose top`: the processes of running containers, with the columns of ps(1).

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::cli::args::TopArgs;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output;
use crate::cli::select::{check_known, services};
use crate::runtime::{Handle, Process, RuntimeError};
use crate::supervisor::Configuration;

const TITLES: [&str; 10] = ["SERVICE", "#", "UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"];

pub(in crate::cli) fn run(context: &Context, args: &TopArgs) -> Result<ExitCode, CliError> {
    context.require_root()?;
    let project = context.resolve_name()?;
    let paths = context.layout.project(&project);
    let mut records = paths.read_containers::<Configuration>()?;
    check_known(context, &args.services, &services(&records))?;
    records.retain(|record| args.services.is_empty() || args.services.contains(&record.service));
    records.sort_by(|a, b| a.name.cmp(&b.name));
    let users = users(&fs_err::read_to_string("/etc/passwd").unwrap_or_default());
    let now = Timestamp::now().to_zoned(TimeZone::system());
    let mut rows = Vec::new();
    for record in &records {
        let Some(handle) = Handle::adopt(paths.container(&record.id).run())? else { continue };
        let processes = match handle.process_table() {
            // It has ended since.
            Err(RuntimeError::NotRunning) => continue,
            processes => processes?,
        };
        let number = if record.one_off.is_some() { "-".to_owned() } else { record.number.to_string() };
        let of = [record.service.to_string(), number];
        rows.extend(processes.iter().map(|process| row(&of, process, &users, &now)));
    }
    output::print(&as_table(&rows))?;
    Ok(ExitCode::SUCCESS)
}

/// The names of users by uid, as `/etc/passwd` has them.
fn users(passwd: &str) -> BTreeMap<u32, String> {
    let user = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next()?.to_owned();
        Some((fields.nth(1)?.parse().ok()?, name))
    };
    passwd.lines().rev().filter_map(user).collect()
}

fn row(of: &[String; 2], process: &Process, users: &BTreeMap<u32, String>, now: &Zoned) -> [String; 10] {
    let user = match users.get(&process.uid) {
        // As ps(1) cuts them.
        Some(name) if name.len() > 8 => format!("{}+", name.chars().take(7).collect::<String>()),
        Some(name) => name.clone(),
        None => process.uid.to_string(),
    };
    let age = now.timestamp().duration_since(process.started_at).as_secs_f64().max(0.01);
    [
        of[0].clone(),
        of[1].clone(),
        user,
        process.pid.to_string(),
        process.parent.to_string(),
        format!("{:.0}", (process.cpu.as_secs_f64() * 100.0 / age).floor()),
        began(process.started_at, now),
        process.terminal.clone().unwrap_or_else(|| "?".to_owned()),
        used(process.cpu),
        process.command.clone(),
    ]
}

/// When a process began: the time of today, the day of this year, or the year.
fn began(at: Timestamp, now: &Zoned) -> String {
    let at = at.to_zoned(now.time_zone().clone());
    let format = if at.date() == now.date() {
        "%H:%M"
    } else if at.year() == now.year() {
        "%b%d"
    } else {
        "%Y"
    };
    at.strftime(format).to_string()
}

/// Time on processors: `00:01:05`, `2-03:00:00`.
fn used(time: Duration) -> String {
    let seconds = time.as_secs();
    let clock = format!("{:02}:{:02}:{:02}", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    match seconds / 86400 {
        0 => clock,
        days => format!("{days}-{clock}"),
    }
}

/// Columns two blanks apart; nothing at all without a process, as with docker compose.
fn as_table(rows: &[[String; 10]]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let titles = TITLES.map(str::to_owned);
    let mut text = String::new();
    for row in std::iter::once(&titles).chain(rows) {
        for (column, cell) in row.iter().enumerate() {
            let widest = std::iter::once(&titles).chain(rows).map(|row| row[column].chars().count()).max();
            let width = if column + 1 < row.len() { (widest.unwrap_or(0) + 2).max(4) } else { 0 };
            text.push_str(&format!("{cell:<width$}"));
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_in_columns() {
        let now = "2026-03-04T12:00:00Z".parse::<Timestamp>().unwrap().to_zoned(TimeZone::UTC);
        let users = users("root:x:0:0::/:/bin/sh\ntoor:x:0:0::/:/bin/sh\nsystemd-network:x:998:998::/:/x\n");
        let process = |uid, started_at: &str, seconds| Process {
            pid: 4711,
            parent: 1,
            uid,
            started_at: started_at.parse().unwrap(),
            cpu: Duration::from_secs(seconds),
            terminal: None,
            command: "sleep 1000".to_owned(),
        };
        let of = ["web".to_owned(), "1".to_owned()];
        let rows = [
            row(&of, &process(0, "2026-03-04T11:00:00Z", 1800), &users, &now),
            row(&of, &process(998, "2026-02-04T11:00:00Z", 90061), &users, &now),
            row(&of, &process(7, "2025-02-04T11:00:00Z", 0), &users, &now),
        ];
        insta::assert_snapshot!(as_table(&rows), @"
        SERVICE  #   UID       PID   PPID  C   STIME  TTY  TIME        CMD
        web      1   root      4711  1     50  11:00  ?    00:30:00    sleep 1000
        web      1   systemd+  4711  1     3   Feb04  ?    1-01:01:01  sleep 1000
        web      1   7         4711  1     0   2025   ?    00:00:00    sleep 1000
        ");
        assert_eq!(as_table(&[]), "");
    }
}
