//! Messages to systemd's journal. See <https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Stream;

/// Where the journal listens.
pub(super) const SOCKET: &str = "/run/systemd/journal/socket";

/// The entry that says `line`.
pub(super) fn entry(fields: &[u8], stream: Stream, line: &[u8], time: Timestamp) -> Vec<u8> {
    let mut entry = Vec::with_capacity(fields.len() + line.len() + 128);
    entry.extend_from_slice(fields);
    field(&mut entry, "PRIORITY", if stream == Stream::Stdout { b"6" } else { b"3" });
    field(&mut entry, "SYSLOG_TIMESTAMP", format!("{time:.9}").as_bytes());
    match line.strip_suffix(b"\n") {
        Some(line) => field(&mut entry, "MESSAGE", line),
        None => {
            field(&mut entry, "CONTAINER_PARTIAL_MESSAGE", b"true");
            field(&mut entry, "MESSAGE", line);
        }
    }
    entry
}

/// The fields that every entry of a container has.
pub(super) fn fields(fields: &BTreeMap<String, String>) -> Vec<u8> {
    let mut entry = Vec::new();
    for (name, value) in fields {
        field(&mut entry, name, value.as_bytes());
    }
    entry
}

fn field(entry: &mut Vec<u8>, name: &str, value: &[u8]) {
    entry.extend_from_slice(name.as_bytes());
    if value.contains(&b'\n') {
        entry.push(b'\n');
        entry.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        entry.push(b'=');
    }
    entry.extend_from_slice(value);
    entry.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries() {
        let known = fields(&BTreeMap::from([
            ("CONTAINER_NAME".to_owned(), "web-1".to_owned()),
            ("NOTE".to_owned(), "a\nb".to_owned()),
        ]));
        let time = Timestamp::new(1_700_000_000, 0).unwrap();
        let whole = entry(&known, Stream::Stderr, b"hi\n", time);
        assert_eq!(
            whole,
            b"CONTAINER_NAME=web-1\nNOTE\n\x03\0\0\0\0\0\0\0a\nb\nPRIORITY=3\nSYSLOG_TIMESTAMP=2023-11-14T22:13:20.000000000Z\nMESSAGE=hi\n"
        );
        let part = entry(&known, Stream::Stdout, b"hi", time);
        assert!(part.ends_with(b"CONTAINER_PARTIAL_MESSAGE=true\nMESSAGE=hi\n"), "{part:?}");
    }
}
