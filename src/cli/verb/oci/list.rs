//! `list`.

use std::os::unix::fs::MetadataExt;
use std::process::ExitCode;

use super::{Failure, print};
use crate::cli::args::{OciFormat, OciListArgs};
use crate::runtime::oci::{OciError, Root, State};

pub(super) fn run(root: &Root, args: &OciListArgs) -> Result<ExitCode, Failure> {
    let mut states = Vec::new();
    for container in root.containers()? {
        let mut state = container.state()?;
        let owner = fs_err::metadata(container.directory()).map(|metadata| metadata.uid());
        state.owner = owner.map_or_else(|_| String::new(), name);
        states.push(state);
    }
    match (args.quiet, args.format) {
        (true, _) => print(&states.iter().map(|state| format!("{}\n", state.id)).collect::<String>()),
        (false, OciFormat::Table) => print(&table(&states)),
        // As runc: no array at all when there are none.
        (false, OciFormat::Json) if states.is_empty() => print("null\n"),
        (false, OciFormat::Json) => {
            let json = serde_json::to_string(&states).map_err(|error| OciError::Channel(error.into()))?;
            print(&format!("{json}\n"))
        }
    }
}

fn table(states: &[State]) -> String {
    let mut rows = vec![["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"].map(str::to_owned)];
    rows.extend(states.iter().map(|state| {
        let bundle = state.bundle.display().to_string();
        let (pid, status) = (state.pid.to_string(), state.status.to_string());
        [state.id.clone(), pid, status, bundle, state.created.to_string(), state.owner.clone()]
    }));
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0).max(9) + 3;
    let widths: Vec<usize> = (0..5).map(width).collect();
    let line = |row: &[String; 6]| -> String {
        let cells: String = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}")).collect();
        format!("{cells}{}\n", row[5])
    };
    rows.iter().map(line).collect()
}

/// The user's name; with a `#` before the uid when there is none, as runc has it.
fn name(uid: u32) -> String {
    let users = fs_err::read_to_string("/etc/passwd").unwrap_or_default();
    let named = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    });
    named.unwrap_or_else(|| format!("#{uid}"))
}
