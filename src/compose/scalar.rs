//! What a plain scalar is, and what it reads as where Compose wants a string.
//!
//! Compose's YAML reader is YAML 1.2 with parts of 1.1, and its strings are made from the value, not from what was
//! written: `1.10` is the number 1.1, and so `environment: {A: 1.10}` sets `A` to `1.1`.
//!
//! | written | is | as a string |
//! |---|---|---|
//! | nothing, `~`, `null` `Null` `NULL` | null | |
//! | `true` `True` `TRUE`, likewise false | boolean | `true` |
//! | `yes` `on` `y` `tRue` | string | as written |
//! | `12` `1_000` `0x1F` `0b11` `0o17` `017` | integer, `0` beginning an octal one | in decimal |
//! | `08` `1.10` `1e3` `.5` `.inf` `.nan` | float | `8` `1.1` `1000` `0.5` `+Inf` `NaN` |
//! | an integer beyond 64 bits | float, when decimal; else string | `1.8446744073709552e+19` |
//! | `1e400` | string | as written |
//! | `12:30:45` | string: there are no sexagesimal numbers | as written |
//! | `2001-01-01` | timestamp | Compose refuses it everywhere |

use std::borrow::Cow;

/// The value of a plain scalar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Resolved {
    /// Nothing at all, or a word for it.
    Null,
    /// `true` or `false` in one of three spellings.
    Bool(bool),
    /// An integer that has 64 bits, with a sign or without.
    Int(i128),
    /// A number with a point or an exponent, or a decimal integer that is too large.
    Float(f64),
    /// A date, or a date and a time: a type of its own that no key of a Compose file takes.
    Timestamp,
    /// Anything else.
    String,
}

/// The value of a scalar written without quotes.
pub(super) fn resolve(text: &str) -> Resolved {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Resolved::Null,
        "true" | "True" | "TRUE" => return Resolved::Bool(true),
        "false" | "False" | "FALSE" => return Resolved::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Resolved::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Resolved::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Resolved::Float(f64::NEG_INFINITY),
        _ => {}
    }
    let number = match text.as_bytes()[0] {
        b'.' => ungrouped(text).and_then(|digits| float(&digits)),
        b'+' | b'-' | b'0'..=b'9' => {
            if is_timestamp(text) {
                return Resolved::Timestamp;
            }
            let digits = if text.contains('_') { Cow::Owned(text.replace('_', "")) } else { Cow::Borrowed(text) };
            integer(&digits).map(Resolved::Int).or_else(|| float(&digits))
        }
        _ => None,
    };
    number.unwrap_or(Resolved::String)
}

/// The string that Compose makes of a scalar written without quotes; empty for null.
pub(super) fn go_text(text: &str) -> Cow<'_, str> {
    match resolve(text) {
        Resolved::Null => Cow::Borrowed(""),
        Resolved::Bool(value) => Cow::Borrowed(if value { "true" } else { "false" }),
        Resolved::Int(value) if is_plain_decimal(text) => {
            debug_assert_eq!(value.to_string(), text);
            Cow::Borrowed(text)
        }
        Resolved::Int(value) => Cow::Owned(value.to_string()),
        Resolved::Float(value) => Cow::Owned(go_float(value)),
        Resolved::Timestamp | Resolved::String => Cow::Borrowed(text),
    }
}

/// A float as Go prints it: the fewest digits that make it, with an exponent below `1e-4` and from `1e+06` on.
pub(super) fn go_float(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let (mantissa, exponent) = scientific(format!("{value:e}"));
    if value == 0.0 || (-4..6).contains(&exponent) {
        return value.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

/// A double as Go writes it into JSON; `None` for what JSON has no number for.
pub(super) fn json_float(value: f64) -> Option<String> {
    let shown = || (value.to_string(), format!("{value:e}"));
    value.is_finite().then(|| json_number(value == 0.0 || (1e-6..1e21).contains(&value.abs()), shown))
}

/// A single as Go writes it into JSON; `None` for what JSON has no number for.
pub(super) fn json_float32(value: f32) -> Option<String> {
    let shown = || (value.to_string(), format!("{value:e}"));
    value.is_finite().then(|| json_number(value == 0.0 || (1e-6..1e21).contains(&value.abs()), shown))
}

fn json_number(decimal: bool, shown: impl FnOnce() -> (String, String)) -> String {
    let (plain, scientific_form) = shown();
    if decimal {
        return plain;
    }
    let (mantissa, exponent) = scientific(scientific_form);
    format!("{mantissa}e{exponent:+}")
}

/// Splits what `{:e}` prints.
fn scientific(text: String) -> (String, i32) {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (mantissa.to_owned(), exponent.parse().unwrap_or(0))
}

/// An integer of 64 bits in any base. A plus sign is for those of 63 bits only, as in Go.
fn integer(text: &str) -> Option<i128> {
    let (sign, digits) = match text.as_bytes()[0] {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let (base, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    // The reader of Compose strips `0o` and `0b` and takes what follows for a number of its own, sign and all.
    let (sign, digits) = match digits.as_bytes() {
        [b'-', ..] if text.starts_with("0o") || text.starts_with("0b") => (-1, &digits[1..]),
        [b'+', ..] if text.starts_with("0o") || text.starts_with("0b") => (1, &digits[1..]),
        [b'+' | b'-', ..] => return None,
        _ => (sign, digits),
    };
    let value = sign * i128::from(u64::from_str_radix(digits, base).ok()?);
    let signed = i64::try_from(value).is_ok();
    (signed || !text.starts_with(['+', '-'])).then_some(value)
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, where the value is finite.
fn float(text: &str) -> Option<Resolved> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let well_formed = digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| !exponent.is_empty() && digits(exponent));
    let value: f64 = well_formed.then(|| text.parse().ok())??;
    value.is_finite().then_some(Resolved::Float(value))
}

/// A number that begins with a point, without the `_` in it, each of which must stand between digits.
fn ungrouped(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('_') {
        return Some(Cow::Borrowed(text));
    }
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let between = |(at, _)| at > 0 && is_digit(at - 1) && is_digit(at + 1);
    text.match_indices('_').all(between).then(|| Cow::Owned(text.replace('_', "")))
}

/// Digits that an integer is written as and printed as alike.
fn is_plain_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    text == "0" || (digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0'))
}

/// `2001-1-2`, alone or with a time behind `T`, `t` or a blank; the days of a month are counted.
fn is_timestamp(text: &str) -> bool {
    let (date, time) = match text.split_once(['T', 't', ' ']) {
        Some((date, time)) => (date, Some((text.as_bytes()[date.len()], time))),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let (Some(year), Some(month), Some(day), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let (Some(month), Some(day)) = (short_number(month, 1..=12), short_number(day, 1..=31)) else { return false };
    let digits = year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit());
    let Some(year) = digits.then(|| year.parse::<u32>().ok()).flatten() else { return false };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    day <= days && time.is_none_or(|(separator, time)| is_time(separator, time))
}

/// `15:4:5.9`, with a zone if a `T` stands before it and without one otherwise.
fn is_time(separator: u8, text: &str) -> bool {
    let clock = if separator == b' ' {
        text.trim_start_matches(' ')
    } else if let Some(clock) = text.strip_suffix('Z') {
        clock
    } else {
        let Some(at) = text.rfind(['+', '-']) else { return false };
        let zone = text[at + 1..].split_once(':');
        let two = |part: &str, max| part.len() == 2 && short_number(part, 0..=max).is_some();
        if !zone.is_some_and(|(hours, minutes)| two(hours, 24) && two(minutes, 60)) {
            return false;
        }
        &text[..at]
    };
    let (clock, fraction) = clock.split_once(['.', ',']).map_or((clock, None), |(clock, rest)| (clock, Some(rest)));
    let mut parts = clock.split(':');
    let (Some(hour), Some(minute), Some(second), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let fraction = fraction.is_none_or(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    fraction
        && short_number(hour, 0..=23).is_some()
        && short_number(minute, 0..=59).is_some()
        && short_number(second, 0..=59).is_some()
}

/// A number of one or two digits in a range.
fn short_number(text: &str, range: std::ops::RangeInclusive<u32>) -> Option<u32> {
    let digits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?.filter(|number| range.contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What `docker compose config` prints for `environment: {A: …}`; those of the second table are strings.
    #[test]
    fn strings_are_made_of_values() {
        for (texts, expected) in [
            ("1.10 1.1", "1.1"),
            ("0777 +0777 0o777 0x1FF 0X1ff 511 5_11 0b111111111 0B1_1111_1111", "511"),
            ("-0777 -0x1FF -0o777 -5__11_", "-511"),
            ("0 -0 +0 00 000 0_ -00 0e0 0.0 1e-400", "0"),
            ("-0.0", "-0"),
            ("08", "8"),
            ("0o-7 -7", "-7"),
            ("1e3 1E3 1e+3 1_000 1_e3 1000.0 .1e4 1_000.0", "1000"),
            ("1_000.5", "1000.5"),
            (".5 +.5 0.5 .5_0 5e-1", "0.5"),
            ("5. 5.0 +5 5", "5"),
            ("1e5 100000.0 1.e5", "100000"),
            ("1e6 1000000.0", "1e+06"),
            ("1000000", "1000000"),
            ("123456.789", "123456.789"),
            ("1234567.0", "1.234567e+06"),
            ("99999999.0", "9.9999999e+07"),
            ("0.0001", "0.0001"),
            ("0.00001", "1e-05"),
            ("1.5e300", "1.5e+300"),
            ("5e-324", "5e-324"),
            ("3.14159265358979323846", "3.141592653589793"),
            (".inf +.inf .Inf .INF", "+Inf"),
            ("-.inf -.Inf", "-Inf"),
            (".nan .NaN .NAN", "NaN"),
            ("true True TRUE", "true"),
            ("false False FALSE", "false"),
            ("~ null Null NULL", ""),
            ("9223372036854775807 0x7fffffffffffffff", "9223372036854775807"),
            ("9223372036854775808", "9223372036854775808"),
            ("18446744073709551615 0xffffffffffffffff", "18446744073709551615"),
            ("18446744073709551616", "1.8446744073709552e+19"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("-9223372036854775809", "-9.223372036854776e+18"),
            ("+9223372036854775808", "9.223372036854776e+18"),
            ("9007199254740993.0", "9.007199254740992e+15"),
        ] {
            for text in texts.split(' ') {
                assert_eq!(go_text(text), expected, "{text}");
                assert!(!matches!(resolve(text), Resolved::String | Resolved::Timestamp), "{text}");
            }
        }
        assert_eq!(go_text(""), "");
    }

    #[test]
    fn strings() {
        let strings = "yes no on off y n Yes ON tRue nUll 12:30:45 12:30 190:20:30 1e400 -1e400 .5e400 0x10000000000000000 \
            0o 0o8 0b2 0b 0x 0xg -0x 0x-1 1.2.3 1,000 1e 1e+ .e1 . .. - -- + -. +-1 1-1 _ _1 ._5 .5_ infinity inf nan NaN \
            -.nan +.nan 0x1p4 = << 2001-01 2001-13-1 2001-02-29 2001-01-32 02001-01-01 2001-001-01 +200-1-1 é 1é 0é 0xé -é \
            2001-01-01T01:00:00 2001-01-01T24:00:00Z 2001-01-01T01:00:00+25:00 2001-01-01T01:00:00+0100 \
            2001-01-01T01:00:00.Z";
        for text in
            strings.split_whitespace().chain(["2001-01-01 01:00", "2001-01-01 01:00:60", "2001-01-01 01:00:00Z"])
        {
            assert_eq!((resolve(text), &*go_text(text)), (Resolved::String, text));
        }
    }

    #[test]
    fn timestamps() {
        let stamps = "2001-01-01 2001-1-1 2000-02-29 0000-01-01 2001-01-01T1:00:00Z 2001-01-01t01:0:0Z \
            2001-01-01T01:00:00-07:00 2001-01-01T01:00:00+24:60 2001-01-01T01:00:00.123456789012Z 2001-01-01T01:00:00,5Z";
        let blanks = ["2001-01-01 1:00:00", "2001-01-01  01:00:00", "2001-01-01 01:00:00.5"];
        for text in stamps.split_whitespace().chain(blanks) {
            assert_eq!(resolve(text), Resolved::Timestamp, "{text}");
        }
    }

    #[test]
    fn integers_in_the_range_of_either_kind() {
        assert_eq!(resolve("18446744073709551615"), Resolved::Int(u64::MAX.into()));
        assert_eq!(resolve("-9223372036854775808"), Resolved::Int(i64::MIN.into()));
    }

    #[test]
    fn floats_in_json() {
        let shown = |value: f64| json_float(value).unwrap();
        assert_eq!(
            [0.5, 1.0, 1e20, 1e21, 1e-6, 1e-7, -0.0].map(shown).join(" "),
            "0.5 1 100000000000000000000 1e+21 0.000001 1e-7 -0"
        );
        let shown = |value: f32| json_float32(value).unwrap();
        assert_eq!(
            [0.1, 1.123_456_8, 1e21, 1e-7, 9_223_372e12].map(shown).join(" "),
            "0.1 1.1234568 1e+21 1e-7 9223372000000000000"
        );
        assert_eq!((json_float(f64::NAN), json_float32(f32::INFINITY)), (None, None));
    }

    proptest! {
        #[test]
        fn never_panics(text in "[-+._:0-9a-fA-FxXoOnutTZ éE~]{0,24}") {
            let _ = go_text(&text);
        }

        #[test]
        fn a_value_printed_is_the_same_value(text in "[-+]?[0-9_]{1,20}(\\.[0-9]{0,5})?(e[0-9])?") {
            let printed = go_text(&text).into_owned();
            // The zero with a sign is a float, and prints as an integer that has none.
            prop_assume!(printed != "-0");
            prop_assert_eq!(go_text(&printed), printed.as_str());
        }
    }
}
