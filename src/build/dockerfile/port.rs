//! The ports of `EXPOSE`: `80`, `53/udp`, `8000-8010/tcp`.

use super::instruction::Word;
use super::mistake::{Mistake, MistakeKind};

/// The ports of one word of an `EXPOSE` that is expanded, as an image names them: `80/tcp`.
///
/// An address or a port of the machine before it is read past, as docker does: the lint tells of it.
///
/// # Errors
/// [`MistakeKind::Invalid`].
pub fn ports(word: &Word) -> Result<Vec<String>, Mistake> {
    let wrong = |rule: &'static str| {
        let kind = MistakeKind::Invalid { what: "port", value: word.text.clone(), rule };
        Mistake::new(word.span.clone(), kind)
    };
    let (before, own) =
        word.text.rsplit_once(':').map_or((None, word.text.as_str()), |(before, own)| (Some(before), own));
    let (range, protocol) = own.split_once('/').unwrap_or((own, ""));
    let protocol = match protocol.to_ascii_lowercase() {
        blank if blank.is_empty() => "tcp".to_owned(),
        known if ["tcp", "udp", "sctp"].contains(&known.as_str()) => known,
        _ => return Err(wrong("the protocol is `tcp`, `udp` or `sctp`")),
    };
    let (first, last) = bounds(range).map_err(wrong)?;
    if let Some(before) = before {
        let (address, published) = before.rsplit_once(':').map_or(("", before), |(address, port)| (address, port));
        let plain = address.strip_prefix('[').and_then(|address| address.strip_suffix(']')).unwrap_or(address);
        if !plain.is_empty() && plain.parse::<std::net::IpAddr>().is_err() {
            return Err(wrong("what stands before the ports is no address"));
        }
        if !published.is_empty() {
            let (from, to) = bounds(published).map_err(wrong)?;
            if to - from != last - first && first != last {
                return Err(wrong("the two ranges are not equally long"));
            }
        }
    }
    Ok((first..=last).map(|port| format!("{port}/{protocol}")).collect())
}

/// The first and the last port of a range.
fn bounds(range: &str) -> Result<(u16, u16), &'static str> {
    let port = |text: &str| {
        let digits = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        text.parse().ok().filter(|_| digits).ok_or("a port is a number up to 65535")
    };
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let (first, last) = (port(first)?, port(last)?);
    if first <= last { Ok((first, last)) } else { Err("the range ends before it begins") }
}
