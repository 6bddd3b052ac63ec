//! Whose programs this machine runs beside its own: those that the kernel hands to an emulator.
//!
//! An entry of binfmt_misc says which files an emulator takes by their first bytes: of an ELF file they name the machine. Only one
//! with the flag `F` counts, whose emulator was opened when it was registered: in a container there is none at its path. See
//! <https://docs.kernel.org/admin-guide/binfmt-misc.html>.

use std::collections::BTreeSet;
use std::path::Path;

/// Where the kernel shows the entries.
const ENTRIES: &str = "/proc/sys/fs/binfmt_misc";

/// Machines of ELF files: architecture, number, whether it is written with the high byte first.
const MACHINES: [(&str, u16, bool); 10] = [
    ("386", 3, false),
    ("amd64", 62, false),
    ("arm", 40, false),
    ("arm64", 183, false),
    ("loong64", 258, false),
    ("mips64le", 8, false),
    ("ppc64", 21, true),
    ("ppc64le", 21, false),
    ("riscv64", 243, false),
    ("s390x", 22, true),
];

/// The architectures whose programs run here by an emulator.
#[must_use]
pub fn emulated() -> BTreeSet<String> {
    let read = |path: &Path| fs_err::read_to_string(path).unwrap_or_default();
    if read(&Path::new(ENTRIES).join("status")).trim() != "enabled" {
        return BTreeSet::new();
    }
    let entries = fs_err::read_dir(ENTRIES).into_iter().flatten().flatten();
    entries.filter_map(|entry| architecture(&read(&entry.path()))).map(str::to_owned).collect()
}

/// Whether something can be said of an architecture.
#[must_use]
pub fn is_known_architecture(architecture: &str) -> bool {
    MACHINES.iter().any(|(name, ..)| *name == architecture)
}

/// The architecture that an entry is for, if programs in containers find its emulator.
fn architecture(entry: &str) -> Option<&'static str> {
    let value = |name: &str| entry.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let is_on = entry.lines().next() == Some("enabled");
    let is_open = value("flags:").is_some_and(|flags| flags.contains('F'));
    let is_first = value("offset").is_some_and(|offset| offset == "0");
    let magic = hex::decode(value("magic")?).ok()?;
    let &[0x7f, b'E', b'L', b'F', _, order, ..] = &magic[..] else { return None };
    let machine: [u8; 2] = magic.get(18..20)?.try_into().ok()?;
    let is_big = order == 2;
    let machine = if is_big { u16::from_be_bytes(machine) } else { u16::from_le_bytes(machine) };
    let known = MACHINES.iter().find(|(_, number, big)| (*number, *big) == (machine, is_big));
    known.filter(|_| is_on && is_open && is_first).map(|(name, ..)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_emulators() {
        let entry = |state: &str, flags: &str, magic: &str| {
            format!("{state}\ninterpreter /usr/bin/qemu\nflags: {flags}\noffset 0\nmagic {magic}\nmask ffff\n")
        };
        let arm64 = "7f454c460201010000000000000000000200b700";
        let s390x = "7f454c4602020100000000000000000000020016";
        for (text, expected) in [
            (entry("enabled", "F", arm64), Some("arm64")),
            (entry("enabled", "OCF", s390x), Some("s390x")),
            (entry("enabled", "OC", arm64), None),
            (entry("disabled", "F", arm64), None),
            (entry("enabled", "F", "7f454c46020101"), None),
            (entry("enabled", "F", "cafebabe"), None),
            ("enabled\ninterpreter /usr/bin/x\nflags: F\nextension .x\n".to_owned(), None),
            ("enabled\n".to_owned(), None),
        ] {
            assert_eq!(architecture(&text), expected, "{text}");
        }
    }
}
