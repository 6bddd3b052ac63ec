//! `ps`: the pids, or those lines of ps(1) that are about them.

use std::process::{Command, ExitCode};

use super::{Failure, print};
use crate::cli::args::{OciFormat, OciPsArgs};
use crate::runtime::oci::{Id, OciError, Root};

pub(super) fn run(root: &Root, args: &OciPsArgs) -> Result<ExitCode, Failure> {
    let pids = root.container(&Id::new(&args.id)?)?.processes()?;
    if args.format == OciFormat::Json {
        return print(&format!("{}\n", serde_json::json!(pids)));
    }
    let mut ps = Command::new("ps");
    if args.arguments.is_empty() {
        ps.arg("-ef");
    } else {
        ps.args(&args.arguments);
    }
    let output = ps.output().map_err(OciError::Ps)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
        return Err(OciError::Ps(std::io::Error::other(said)).into());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    print(&of(&text, &pids).ok_or_else(|| OciError::Ps(std::io::Error::other("its output has no column PID")))?)
}

/// The title, and the lines about these pids; `None` when no column has the pids.
fn of(text: &str, pids: &[i32]) -> Option<String> {
    let mut lines = text.lines();
    let title = lines.next()?;
    let column = title.split_whitespace().position(|name| name == "PID")?;
    let is_ours = |line: &&str| {
        let pid = line.split_whitespace().nth(column).and_then(|pid| pid.parse().ok());
        pid.is_some_and(|pid| pids.contains(&pid))
    };
    Some(std::iter::once(title).chain(lines.filter(is_ours)).map(|line| format!("{line}\n")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_containers_lines() {
        let text = "UID        PID  PPID CMD\nroot         1     0 init\nroot        17     1 sh -c 1\n";
        assert_eq!(of(text, &[17]).unwrap(), "UID        PID  PPID CMD\nroot        17     1 sh -c 1\n");
        assert_eq!(of("UID CMD\n", &[17]), None);
    }
}
