//! Data as SSH writes it: numbers of four bytes, and strings with their length. See RFC 4251, section 5.

/// Takes values from the front of some bytes.
#[derive(Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn number(&mut self) -> Option<u32> {
        let (number, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*number))
    }

    pub(super) fn string(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (string, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(string)
    }
}

/// Appends a string.
pub(super) fn put(out: &mut Vec<u8>, string: &[u8]) {
    out.extend(u32::try_from(string.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend(string);
}

/// Appends a number without sign, of which the bytes are given: with a zero in front where it would look negative.
pub(super) fn put_number(out: &mut Vec<u8>, number: &[u8]) {
    let number = without_zeros(number);
    match number.first() {
        Some(first) if *first >= 0x80 => put(out, &[&[0], number].concat()),
        _ => put(out, number),
    }
}

/// A number without the zeros that it begins with.
pub(super) fn without_zeros(number: &[u8]) -> &[u8] {
    &number[number.iter().take_while(|byte| **byte == 0).count()..]
}

/// Strings one after the other.
pub(super) fn strings(strings: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    strings.iter().for_each(|string| put(&mut out, string));
    out
}
