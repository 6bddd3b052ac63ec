//! Cutting what a stream says into lines, and those that are too long into parts.

use memchr::memchr;

use super::MAX_LINE;

/// What a stream has begun and not ended.
#[derive(Debug, Default)]
pub(super) struct Lines {
    begun: Vec<u8>,
}

impl Lines {
    /// Hands every complete line to `each`, its newline included, and whatever fills [`MAX_LINE`]; the rest waits.
    pub(super) fn push(&mut self, mut bytes: &[u8], mut each: impl FnMut(&[u8])) {
        while !bytes.is_empty() {
            let room = MAX_LINE - self.begun.len();
            let within = &bytes[..bytes.len().min(room)];
            match memchr(b'\n', within) {
                Some(end) => {
                    let (line, rest) = bytes.split_at(end + 1);
                    bytes = rest;
                    if self.begun.is_empty() {
                        each(line);
                    } else {
                        self.begun.extend_from_slice(line);
                        each(&self.begun);
                        self.begun.clear();
                    }
                }
                None if within.len() < room => {
                    self.begun.extend_from_slice(within);
                    return;
                }
                None if self.begun.is_empty() => {
                    let (part, rest) = bytes.split_at(whole_characters(within));
                    each(part);
                    bytes = rest;
                }
                None => {
                    self.begun.extend_from_slice(within);
                    let end = whole_characters(&self.begun);
                    each(&self.begun[..end]);
                    self.begun.drain(..end);
                    bytes = &bytes[within.len()..];
                }
            }
        }
    }

    /// Hands what is left to `each`: its stream has ended.
    pub(super) fn finish(&mut self, each: impl FnOnce(&[u8])) {
        if !self.begun.is_empty() {
            each(&self.begun);
            self.begun.clear();
        }
        self.begun.shrink_to_fit();
    }
}

/// How much of `bytes` can be cut off without cutting through a UTF-8 character.
pub(super) fn whole_characters(bytes: &[u8]) -> usize {
    for behind in 1..=3.min(bytes.len()) {
        let width = match bytes[bytes.len() - behind] {
            0x80..=0xbf => continue,
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0.. => 4,
            _ => 1,
        };
        return if width > behind { bytes.len() - behind } else { bytes.len() };
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(chunks: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for chunk in chunks {
            lines.push(chunk, |line| found.push(line.to_vec()));
        }
        lines.finish(|line| found.push(line.to_vec()));
        found
    }

    #[test]
    fn lines_however_they_arrive() {
        let expected: [&[u8]; 4] = [b"a\n", b"\n", b"bc\n", b"d"];
        for size in 1..9 {
            assert_eq!(cut(&b"a\n\nbc\nd".chunks(size).collect::<Vec<_>>()), expected, "{size}");
        }
    }

    #[test]
    fn long_lines_are_cut_between_characters() {
        // One byte, then characters of three: 16384 = 1 + 3 * 5461.
        for shift in 0..4 {
            let text = "x".repeat(shift) + &"\u{20ac}".repeat(11_000) + "\n";
            for size in [1000, MAX_LINE, MAX_LINE + 1, usize::MAX] {
                let parts = cut(&text.as_bytes().chunks(size.min(text.len())).collect::<Vec<_>>());
                assert!(parts.iter().all(|part| str::from_utf8(part).is_ok() && part.len() <= MAX_LINE));
                assert!(parts[..2].iter().all(|part| part.len() > MAX_LINE - 4));
                assert_eq!(parts.concat(), text.as_bytes());
            }
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_cut_anywhere() {
        let bytes = vec![0x80; MAX_LINE * 2];
        assert_eq!(cut(&[&bytes]).concat(), bytes);
        let bytes = vec![0xff; MAX_LINE * 2 + 5];
        assert_eq!(cut(&[&bytes]).concat(), bytes);
    }
}
