//! The processes of a container as `/proc` of the host tells of them.

use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use jiff::Timestamp;

use super::{Handle, RuntimeError};

/// A second in the clock ticks that `/proc` tells: the same on every architecture that this runs on.
const TICKS: u64 = 100;

/// A process of a container, as seen from the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: i32,
    /// That of its parent.
    pub parent: i32,
    /// Whose it is, on the host.
    pub uid: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it was on processors.
    pub cpu: Duration,
    /// Its terminal, if it has one: `pts/0`.
    pub terminal: Option<String>,
    /// Its program with arguments; in brackets the name alone, where the kernel knows no more.
    pub command: String,
}

impl Handle {
    /// All processes of the container, by id.
    ///
    /// # Errors
    /// As [`Handle::processes`].
    pub fn process_table(&self) -> Result<Vec<Process>, RuntimeError> {
        let booted = booted_at();
        // One that has ended meanwhile is left out.
        Ok(self.processes()?.into_iter().filter_map(|pid| process(pid, booted)).collect())
    }
}

/// When this machine began to count the ticks that processes begin at, in seconds since 1970.
fn booted_at() -> i64 {
    let text = fs_err::read_to_string("/proc/stat").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("btime "));
    line.and_then(|seconds| seconds.trim().parse().ok()).unwrap_or_default()
}

fn process(pid: i32, booted: i64) -> Option<Process> {
    let directory = format!("/proc/{pid}");
    let stat = fs_err::read_to_string(format!("{directory}/stat")).ok()?;
    let arguments = fs_err::read(format!("{directory}/cmdline")).ok()?;
    let uid = fs_err::metadata(directory).ok()?.uid();
    parse(pid, uid, &stat, &arguments, booted)
}

/// See `proc_pid_stat(5)`.
fn parse(pid: i32, uid: u32, stat: &str, arguments: &[u8], booted: i64) -> Option<Process> {
    // The name may hold anything, parentheses too.
    let (name, behind) = stat.rsplit_once(") ")?;
    let name = name.split_once('(')?.1;
    let fields: Vec<i64> = behind.split(' ').map(|field| field.trim().parse().unwrap_or_default()).collect();
    let field = |index: usize| fields.get(index).copied().unwrap_or_default();
    let ticks = |index| u64::try_from(field(index)).unwrap_or_default();
    let command = String::from_utf8_lossy(arguments).trim_end_matches('\0').replace('\0', " ");
    let began = Duration::from_millis(ticks(19).saturating_mul(1000) / TICKS);
    Some(Process {
        pid,
        parent: i32::try_from(field(1)).ok()?,
        uid,
        started_at: Timestamp::from_second(booted).ok()?.saturating_add(began).ok()?,
        cpu: Duration::from_millis((ticks(11) + ticks(12)).saturating_mul(1000) / TICKS),
        terminal: terminal(ticks(4)),
        command: if command.is_empty() { format!("[{name}]") } else { command.replace(|c: char| c.is_control(), " ") },
    })
}

/// The name of a terminal by its device number, of which the minor part is cut in two.
fn terminal(number: u64) -> Option<String> {
    let (major, minor) = ((number >> 8) & 0xfff, (number & 0xff) | ((number >> 12) & 0xfff00));
    match (major, minor) {
        (136..=143, _) => Some(format!("pts/{}", minor + (major - 136) * 256)),
        (4, 0..64) => Some(format!("tty{minor}")),
        (4, _) => Some(format!("ttyS{}", minor - 64)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_proc_says() {
        let stat = "7 (a) (b) S 3 7 7 34817 7 4194560 1 0 0 0 150 50 9 9 20 0 1 0 250 0 0";
        let process = parse(7, 1000, stat, b"/bin/x\0-y\0z\n\0", 1000).unwrap();
        let expected = Process {
            pid: 7,
            parent: 3,
            uid: 1000,
            started_at: Timestamp::from_millisecond(1_002_500).unwrap(),
            cpu: Duration::from_secs(2),
            terminal: Some("pts/1".to_owned()),
            command: "/bin/x -y z ".to_owned(),
        };
        assert_eq!(process, expected);
        assert_eq!(parse(7, 0, stat, b"", 0).unwrap().command, "[a) (b]");
        assert_eq!(parse(7, 0, "", b"", 0), None);
        assert_eq!((terminal(0), terminal(1025)), (None, Some("tty1".to_owned())));
    }
}
