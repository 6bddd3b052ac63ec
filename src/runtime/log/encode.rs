//! A record as a line of JSON, at the speed of copying memory: what is the same for all records of a read is made once.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;

use super::Stream;

/// Makes records.
#[derive(Debug)]
pub(super) struct Encoder {
    /// `,"attrs":{…}`, or nothing.
    attributes: String,
    /// What follows the text of a record of each stream.
    endings: [String; 2],
}

impl Encoder {
    /// `attributes` go into every record.
    pub(super) fn new(attributes: &BTreeMap<String, String>) -> Self {
        let attributes =
            if attributes.is_empty() { String::new() } else { format!(",\"attrs\":{}", serde_json::json!(attributes)) };
        Self { attributes, endings: Default::default() }
    }

    /// The records from here on were read at `time`.
    pub(super) fn set_time(&mut self, time: Timestamp) {
        for (stream, ending) in ["stdout", "stderr"].into_iter().zip(&mut self.endings) {
            ending.clear();
            let attributes = &self.attributes;
            writeln!(ending, "\",\"stream\":\"{stream}\"{attributes},\"time\":\"{time:.9}\"}}")
                .expect("a string grows as needed");
        }
    }

    /// Appends the record of `line` to `buffer`.
    pub(super) fn record(&self, buffer: &mut Vec<u8>, stream: Stream, line: &[u8]) {
        buffer.extend_from_slice(b"{\"log\":\"");
        match line.strip_suffix(b"\n") {
            // Nothing in most lines is escaped but this.
            Some(line) => {
                escape(buffer, line);
                buffer.extend_from_slice(b"\\n");
            }
            None => escape(buffer, line),
        }
        buffer.extend_from_slice(self.endings[stream as usize].as_bytes());
    }
}

/// Appends `text` as the inside of a JSON string; what is no UTF-8 is replaced.
fn escape(buffer: &mut Vec<u8>, mut text: &[u8]) {
    loop {
        let (plain, rest) = text.split_at(plain(text));
        buffer.extend_from_slice(plain);
        let Some(&byte) = rest.first() else { return };
        text = if byte < 0x80 {
            escape_byte(buffer, byte);
            &rest[1..]
        } else {
            let length = rest.iter().position(|byte| *byte < 0x80).unwrap_or(rest.len());
            let (foreign, rest) = rest.split_at(length);
            for chunk in foreign.utf8_chunks() {
                buffer.extend_from_slice(chunk.valid().as_bytes());
                if !chunk.invalid().is_empty() {
                    buffer.extend_from_slice("\u{fffd}".as_bytes());
                }
            }
            rest
        };
    }
}

fn escape_byte(buffer: &mut Vec<u8>, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        _ => {
            let digits = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
            return buffer.extend_from_slice(&[b'\\', b'u', b'0', b'0', digits[0], digits[1]]);
        }
    };
    buffer.extend_from_slice(&[b'\\', short]);
}

/// How many bytes from the beginning JSON takes as they are, those of other than ASCII not counted among them.
fn plain(text: &[u8]) -> usize {
    /// Wide enough for the compiler to use vectors.
    const BLOCK: usize = 32;
    // All of it is asked of each byte, for the sake of the vectors.
    let special = |byte: u8| (byte < 0x20) | (byte == b'"') | (byte == b'\\') | (byte >= 0x80);
    let is_plain = |block: &[u8]| block.iter().fold(0, |any, &byte| any | u8::from(special(byte))) == 0;
    let sure = text.chunks_exact(BLOCK).take_while(|block| is_plain(block)).count() * BLOCK;
    // What is left, with some of what is sure, is a block as well.
    if text.len() - sure < BLOCK && text.last_chunk::<BLOCK>().is_some_and(|block| is_plain(block)) {
        return text.len();
    }
    sure + text[sure..].iter().position(|&byte| special(byte)).unwrap_or(text.len() - sure)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::runtime::log::Record;

    fn record(attributes: &BTreeMap<String, String>, line: &[u8]) -> Vec<u8> {
        let mut encoder = Encoder::new(attributes);
        encoder.set_time(Timestamp::new(1_700_000_000, 5).unwrap());
        let mut buffer = Vec::new();
        encoder.record(&mut buffer, Stream::Stderr, line);
        buffer
    }

    #[test]
    fn the_form_is_dockers() {
        let attributes = BTreeMap::from([("team".to_owned(), "a\"b".to_owned())]);
        assert_eq!(
            String::from_utf8(record(&attributes, b"say \"hi\"\x01\\\n")).unwrap(),
            r#"{"log":"say \"hi\"\u0001\\\n","stream":"stderr","attrs":{"team":"a\"b"},"time":"2023-11-14T22:13:20.000000005Z"}"#
                .to_owned()
                + "\n"
        );
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read(line: Vec<u8>, text: String) {
            for line in [line.as_slice(), text.as_bytes()] {
                let record: Record = serde_json::from_slice(&record(&BTreeMap::new(), line)).unwrap();
                prop_assert_eq!(record.line, String::from_utf8_lossy(line));
            }
        }
    }
}
