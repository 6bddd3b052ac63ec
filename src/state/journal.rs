//! The last lines that the supervisors of a project have noted: they outlive the project, until the machine is booted.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use fs_err as fs;
use fs_err::os::unix::fs::OpenOptionsExt as _;

use super::Layout;
use crate::name::ProjectName;
use crate::sys::{create_private_dir_all, write_atomic};

/// How many lines of a project are kept.
pub const REMEMBERED: usize = 256;
/// How many projects have a journal: of more, that of the one that has been quiet for the longest goes.
const PROJECTS: usize = 64;

/// A project's journal, open for its supervisor.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    /// Nothing when it could not be opened.
    file: Option<File>,
    /// How many lines it has.
    lines: usize,
}

impl Layout {
    /// The lines that are remembered of a project, the oldest first. What cannot be read is not remembered.
    #[must_use]
    pub fn read_journal(&self, project: &ProjectName) -> Vec<String> {
        read(&self.journals().join(project.as_str()))
    }

    /// Opens a project's journal, whose lock the caller holds.
    #[must_use]
    pub fn open_journal(&self, project: &ProjectName) -> Journal {
        let path = self.journals().join(project.as_str());
        if !path.exists() {
            // One too many for now costs nobody anything.
            let _ = make_room(&self.journals());
        }
        let lines = read(&path).len();
        Journal { file: open(&path).ok(), path, lines }
    }
}

impl Journal {
    /// Adds a line, in one write: who dies leaves no part of it. A disk that is full costs the memory of what has happened,
    /// and nothing else.
    pub fn add(&mut self, line: &str) {
        if self.lines >= 2 * REMEMBERED {
            let _ = self.shorten();
        }
        if let Some(file) = &mut self.file
            && file.write_all(format!("{line}\n").as_bytes()).is_ok()
        {
            self.lines += 1;
        }
    }

    /// Forgets all but the last lines. It comes to so many new ones before that is due again.
    fn shorten(&mut self) -> io::Result<()> {
        let lines = read(&self.path);
        write_atomic(&self.path, format!("{}\n", lines.join("\n")).as_bytes())?;
        (self.file, self.lines) = (Some(open(&self.path)?), lines.len());
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    path.parent().map_or(Ok(()), create_private_dir_all)?;
    Ok(fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path)?.into_parts().0)
}

/// The last lines; none when it cannot be read.
fn read(path: &Path) -> Vec<String> {
    let text = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(REMEMBERED)..].iter().map(|line| (*line).to_owned()).collect()
}

/// Removes what has been written to least lately, so that there is room for one more.
fn make_room(journals: &Path) -> io::Result<()> {
    let mut all = Vec::new();
    for entry in fs::read_dir(journals)? {
        let entry = entry?;
        all.push((entry.metadata()?.modified()?, entry.path()));
    }
    all.sort();
    let many = (all.len() + 1).saturating_sub(PROJECTS);
    all.into_iter().take(many).try_for_each(|(_, path)| fs::remove_file(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(directory: &tempfile::TempDir) -> Layout {
        Layout::new(directory.path().join("root"), directory.path().join("run"))
    }

    #[test]
    fn the_last_lines_stay() {
        let directory = tempfile::tempdir().unwrap();
        let (layout, shop) = (layout(&directory), ProjectName::new("shop").unwrap());
        assert_eq!(layout.read_journal(&shop), [""; 0]);
        for half in [0..1000, 1000..2000] {
            let mut journal = layout.open_journal(&shop);
            half.for_each(|number| journal.add(&number.to_string()));
        }
        let last: Vec<String> = (2000 - REMEMBERED..2000).map(|number| number.to_string()).collect();
        assert_eq!(layout.read_journal(&shop), last);
        let size = fs::metadata(layout.journals().join("shop")).unwrap().len();
        assert!(size <= 5 * 2 * REMEMBERED as u64, "{size}");
    }

    #[test]
    fn few_projects_have_one() {
        let directory = tempfile::tempdir().unwrap();
        let layout = layout(&directory);
        for number in 0..PROJECTS + 10 {
            layout.open_journal(&ProjectName::new(format!("shop{number}")).unwrap()).add("it");
        }
        assert_eq!(fs::read_dir(layout.journals()).unwrap().count(), PROJECTS);
        assert_eq!(layout.read_journal(&ProjectName::new(format!("shop{}", PROJECTS + 9)).unwrap()), ["it"]);
    }
}
