//! The keys with which one leaves a container without ending anything: `--detach-keys`.

use std::str::FromStr;

/// Which keys, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetachKeys(Vec<u8>);

/// A text names no keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected keys with commas in between, each one character or `ctrl-` and one of a-z, @, [, \\, ], ^ and _")]
pub struct InvalidKeys;

impl Default for DetachKeys {
    /// Ctrl-P, Ctrl-Q.
    fn default() -> Self {
        Self(vec![0x10, 0x11])
    }
}

impl DetachKeys {
    /// Where nobody types: everything passes.
    #[must_use]
    pub fn none() -> Self {
        Self(Vec::new())
    }
}

impl FromStr for DetachKeys {
    type Err = InvalidKeys;

    fn from_str(text: &str) -> Result<Self, InvalidKeys> {
        // As with Docker, none are the usual ones.
        if text.is_empty() { Ok(Self::default()) } else { text.split(',').map(key).collect::<Result<_, _>>().map(Self) }
    }
}

fn key(text: &str) -> Result<u8, InvalidKeys> {
    match (text.as_bytes(), text.strip_prefix("ctrl-").map(str::as_bytes)) {
        ([key], _) if key.is_ascii() => Ok(*key),
        (_, Some([key @ (b'a'..=b'z' | b'@' | b'[' | b'\\' | b']' | b'^' | b'_')])) => Ok(key & 0x1f),
        _ => Err(InvalidKeys),
    }
}

/// Looks for the keys in what is typed.
#[derive(Debug)]
pub struct Watcher {
    keys: DetachKeys,
    pressed: usize,
}

impl Watcher {
    /// Looks for `keys`.
    #[must_use]
    pub fn new(keys: DetachKeys) -> Self {
        Self { keys, pressed: 0 }
    }

    /// Takes in what was typed and appends to `through` what is meant for the container; true when all keys were
    /// pressed. Those that may be the beginning are held back until it is known.
    pub fn take(&mut self, typed: &[u8], through: &mut Vec<u8>) -> bool {
        let Self { keys: DetachKeys(keys), pressed } = self;
        if keys.is_empty() {
            through.extend_from_slice(typed);
            return false;
        }
        for &byte in typed {
            if byte != keys[*pressed] && *pressed > 0 {
                through.extend_from_slice(&keys[..*pressed]);
                *pressed = 0;
            }
            if byte == keys[*pressed] {
                *pressed += 1;
                if *pressed == keys.len() {
                    return true;
                }
            } else {
                through.push(byte);
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_keys() {
        for (text, expected) in [
            ("ctrl-p,ctrl-q", Some(vec![16, 17])),
            ("", Some(vec![16, 17])),
            ("a", Some(vec![b'a'])),
            ("ctrl-@,x,ctrl-\\", Some(vec![0, b'x', 28])),
            ("ctrl-A", None),
            ("ab", None),
            ("a,,b", None),
        ] {
            assert_eq!(text.parse::<DetachKeys>().ok(), expected.map(DetachKeys), "{text}");
        }
    }

    #[test]
    fn keys_are_found_however_they_arrive() {
        for (typed, through, found) in [
            (&[&b"ab\x10\x11cd"[..]][..], &b"ab"[..], true),
            (&[b"a\x10", b"\x11"], b"a", true),
            (&[b"a\x10", b"b\x11"], b"a\x10b\x11", false),
            (&[b"\x10\x10\x11"], b"\x10", true),
            (&[b"\x10"], b"", false),
        ] {
            let mut watcher = Watcher::new(DetachKeys::default());
            let mut passed = Vec::new();
            assert_eq!(typed.iter().any(|typed| watcher.take(typed, &mut passed)), found, "{typed:?}");
            assert_eq!(passed, through, "{typed:?}");
        }
        let mut passed = Vec::new();
        assert!(!Watcher::new(DetachKeys::none()).take(b"\x10\x11\x10", &mut passed));
        assert_eq!(passed, b"\x10\x11\x10");
    }
}
