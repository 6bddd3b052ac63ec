//! `volumes` of a service: `[SOURCE:]TARGET[:OPTIONS]` to its long form.

use super::list::invalid;
use crate::compose::diagnostic::DiagnosticKind;
use crate::compose::node::{Node, Value};
use crate::compose::report::Report;

/// Rewrites the short forms of a list.
pub(super) fn mounts(node: Node, report: &Report) -> Node {
    let Value::Sequence(items) = node.value else { return node };
    // A variable that is not resolved may be a name, a path or all of it.
    let is_short = |text: &&str| !(report.templates() && text.starts_with('$'));
    let text = |item: &Node| item.text().filter(|_| !item.is_null()).filter(is_short).map(str::to_owned);
    let long = |item: Node| match text(&item).map(|text| long_form(&item, &text, report)) {
        None => item,
        Some(Ok(long)) => Node { tag: item.tag, ..long },
        Some(Err(reason)) => {
            invalid(&item, "volumes", reason, report);
            Node { value: Value::Invalid, ..item }
        }
    };
    Node { value: Value::Sequence(items.into_iter().map(long).collect()), ..node }
}

fn long_form(item: &Node, short: &str, report: &Report) -> Result<Node, String> {
    let drive = is_drive(short);
    let (head, rest) = if drive { short.split_at(2) } else { ("", short) };
    let mut parts = split(rest, report.templates()).into_iter();
    let (first, second, options, more) = (parts.next().unwrap_or_default(), parts.next(), parts.next(), parts.next());
    if more.is_some() || (second.is_none() && drive) {
        return Err("expected `[SOURCE:]TARGET[:OPTIONS]`".to_owned());
    }
    let (source, target) = match second {
        Some(target) => (Some(format!("{head}{first}")), target),
        None => (None, first),
    };
    if target.is_empty() || source.as_deref() == Some("") || options == Some("") {
        return Err("no part may be empty".to_owned());
    }
    let text = |text: &str| Node::string(item.origin, text);
    let yes = || Node::boolean(item.origin, true);
    let is_path = source.as_deref().is_some_and(|source| drive || source.starts_with(['.', '/', '~', '\\']));
    let mut entries = vec![("type", text(if is_path { "bind" } else { "volume" })), ("target", text(&clean(target)))];
    let (mut bind, mut volume) = (Vec::new(), Vec::new());
    let mut read_only = false;
    for option in options.unwrap_or_default().split(',').filter(|option| !option.is_empty()) {
        match option {
            "ro" => read_only = true,
            "rw" => read_only = false,
            "nocopy" => volume.push(("nocopy", yes())),
            "rprivate" | "private" | "rshared" | "shared" | "rslave" | "slave" => {
                bind.push(("propagation", text(option)));
            }
            "z" | "Z" => bind.push(("selinux", text(option))),
            other => {
                let kind = DiagnosticKind::IgnoredOption { option: other.to_owned(), of: "a mount" };
                report.warning(report.find(item.origin, other), kind);
            }
        }
    }
    if read_only {
        entries.push(("read_only", yes()));
    }
    if is_path {
        bind.push(("create_host_path", yes()));
    }
    entries.extend(source.map(|source| ("source", text(&source))));
    if !bind.is_empty() {
        entries.push(("bind", Node::mapping(item.origin, bind)));
    }
    if (!is_path && short.len() > 2) || !volume.is_empty() {
        entries.push(("volume", Node::mapping(item.origin, volume)));
    }
    Ok(Node::mapping(item.origin, entries))
}

/// `C:\data:/data`: the first colon belongs to the drive. A volume may have a name of one letter, so that of `c:/data` only
/// what follows tells.
fn is_drive(short: &str) -> bool {
    let bytes = short.as_bytes();
    match bytes.get(..3) {
        Some([letter, b':', b'\\']) => letter.is_ascii_alphabetic(),
        Some([letter, b':', b'/']) => letter.is_ascii_alphabetic() && short[3..].contains(":/"),
        _ => false,
    }
}

/// Splits at colons, but not at those of variables that are not resolved: `${DATA:-x}`.
fn split(text: &str, templates: bool) -> Vec<&str> {
    let (mut parts, mut start, mut open) = (Vec::new(), 0, 0_usize);
    for (at, c) in text.char_indices() {
        match c {
            '{' if templates && (open > 0 || text[..at].ends_with('$')) => open += 1,
            '}' => open = open.saturating_sub(1),
            ':' if open == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// A path of a container without `.`, `..`, doubled and trailing slashes, as text alone.
pub(in crate::compose) fn clean(path: &str) -> String {
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        match (part, parts.last()) {
            ("..", Some(last)) if *last != ".." => drop(parts.pop()),
            ("..", None) if absolute => {}
            _ => parts.push(part),
        }
    }
    match (absolute, parts.join("/")) {
        (true, rest) => format!("/{rest}"),
        (false, rest) if rest.is_empty() => ".".to_owned(),
        (false, rest) => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn clean_paths() {
        for (path, wanted) in
            [("/data/", "/data"), ("//a//b/./c/..", "/a/b"), ("/../x", "/x"), ("a/../..", ".."), ("/", "/"), ("", ".")]
        {
            assert_eq!(clean(path), wanted, "{path}");
        }
    }
}
