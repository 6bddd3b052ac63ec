//! `--chmod`: octal, or as `chmod(1)` has it.

use std::fmt;

/// What makes another mode of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chmod {
    text: String,
    form: Form,
}

/// A mode that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no mode: neither an octal number up to 7777 nor symbols such as `u=rwX,go=rX`")]
pub struct InvalidMode(pub String);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    Octal(u32),
    Symbolic(Vec<Action>),
}

/// One of `+rx`, `-w`, `=u`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Action {
    /// The bits that it is about.
    who: u32,
    sign: char,
    bits: Bits,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Bits {
    Given {
        bits: u32,
        /// `X`: execution of what is a directory or can be executed by somebody.
        searchable: bool,
    },
    /// Those that the user, group or others have, as a shift to them.
    Of(u32),
}

const SET_UID_GID: u32 = 0o6000;
const ALL: u32 = 0o7777;

impl Chmod {
    /// Reads a mode.
    ///
    /// # Errors
    /// [`InvalidMode`].
    pub fn parse(text: &str) -> Result<Self, InvalidMode> {
        let invalid = || InvalidMode(text.to_owned());
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let form = if is_number {
            let number = u32::from_str_radix(text, 8).ok().filter(|number| *number <= ALL);
            Form::Octal(number.ok_or_else(invalid)?)
        } else {
            let clauses = text.split(',').map(clause).collect::<Option<Vec<_>>>().ok_or_else(invalid)?;
            Form::Symbolic(clauses.into_iter().flatten().collect())
        };
        Ok(Self { text: text.to_owned(), form })
    }

    /// The mode of a copy of what has `mode`.
    #[must_use]
    pub fn apply(&self, mode: u32, is_directory: bool) -> u32 {
        match &self.form {
            Form::Octal(octal) => *octal,
            Form::Symbolic(actions) => actions.iter().fold(mode & ALL, |mode, action| action.apply(mode, is_directory)),
        }
    }

    /// The mode itself when it is given as a number.
    #[must_use]
    pub fn octal(&self) -> Option<u32> {
        match self.form {
            Form::Octal(octal) => Some(octal),
            Form::Symbolic(_) => None,
        }
    }
}

impl fmt::Display for Chmod {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Action {
    fn apply(&self, mode: u32, is_directory: bool) -> u32 {
        let bits = match self.bits {
            Bits::Given { bits, searchable } if searchable && (is_directory || mode & 0o111 != 0) => bits | 0o111,
            Bits::Given { bits, .. } => bits,
            Bits::Of(shift) => ((mode >> shift) & 7) * 0o111,
        } & self.who;
        match self.sign {
            '+' => mode | bits,
            '-' => mode & !bits,
            // Those of a directory stay unless they are named, as in chmod(1).
            _ if is_directory => (mode & (!self.who | SET_UID_GID)) | bits,
            _ => (mode & !self.who) | bits,
        }
    }
}

/// `[ugoa]*([-+=]([rwxXst]*|[ugo]))+`
fn clause(text: &str) -> Option<Vec<Action>> {
    const SIGNS: [char; 3] = ['+', '-', '='];
    let (who, mut rest) = text.split_at(text.find(SIGNS)?);
    let who = if who.is_empty() { ALL } else { who.chars().try_fold(0, |all, one| Some(all | class(one)?))? };
    let mut actions = Vec::new();
    while let Some(sign) = rest.chars().next() {
        let after = &rest[1..];
        let (symbols, next) = after.split_at(after.find(SIGNS).unwrap_or(after.len()));
        rest = next;
        actions.push(Action { who, sign, bits: bits(symbols)? });
    }
    Some(actions)
}

fn class(letter: char) -> Option<u32> {
    Some(match letter {
        'u' => 0o4700,
        'g' => 0o2070,
        'o' => 0o1007,
        'a' => ALL,
        _ => return None,
    })
}

fn bits(symbols: &str) -> Option<Bits> {
    match symbols {
        "u" => return Some(Bits::Of(6)),
        "g" => return Some(Bits::Of(3)),
        "o" => return Some(Bits::Of(0)),
        _ => {}
    }
    let (mut bits, mut searchable) = (0, false);
    for symbol in symbols.chars() {
        match symbol {
            'r' => bits |= 0o444,
            'w' => bits |= 0o222,
            'x' => bits |= 0o111,
            's' => bits |= SET_UID_GID,
            't' => bits |= 0o1000,
            'X' => searchable = true,
            _ => return None,
        }
    }
    Some(Bits::Given { bits, searchable })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes() {
        // (the mode asked for, that of a file, what it becomes, that of a directory, what it becomes)
        for (text, file, file_becomes, directory, directory_becomes) in [
            ("755", 0o644, 0o755, 0o700, 0o755),
            ("0", 0o644, 0, 0o755, 0),
            ("07777", 0o644, 0o7777, 0o755, 0o7777),
            ("u+x", 0o644, 0o744, 0o644, 0o744),
            ("+x", 0o644, 0o755, 0o644, 0o755),
            ("a-w", 0o666, 0o444, 0o777, 0o555),
            ("go-rwx", 0o644, 0o600, 0o755, 0o700),
            ("u=rwX,go=rX", 0o600, 0o644, 0o700, 0o755),
            ("u=rwX,go=rX", 0o700, 0o755, 0o600, 0o755),
            ("g=u", 0o640, 0o660, 0o750, 0o770),
            ("o=g", 0o664, 0o666, 0o775, 0o777),
            ("u+s,g+s", 0o755, 0o6755, 0o755, 0o6755),
            ("+t", 0o644, 0o1644, 0o755, 0o1755),
            ("u+t", 0o644, 0o644, 0o755, 0o755),
            ("u=rw", 0o4755, 0o655, 0o4755, 0o4655),
            ("u+rw-x", 0o100, 0o600, 0o300, 0o600),
            ("a=", 0o644, 0, 0o755, 0),
        ] {
            let mode = Chmod::parse(text).unwrap();
            assert_eq!(mode.apply(file, false), file_becomes, "{text}: {:o}", mode.apply(file, false));
            assert_eq!(mode.apply(directory, true), directory_becomes, "{text}: {:o}", mode.apply(directory, true));
        }
        for text in ["", "8", "10000", "99999999999", "u", "x", "u+q", "u+x,", "q+x", "u+rwu", "0x7", "-1", "rwxr-xr-x"]
        {
            assert!(Chmod::parse(text).is_err(), "{text}");
        }
    }
}
