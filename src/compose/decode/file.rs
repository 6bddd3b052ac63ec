//! `configs` and `secrets`: their sources and what services get of them.

use super::Context;
use super::field::{Field, Object, Place};
use super::keys::{self, Keys};
use crate::compose::diagnostic::DiagnosticKind;
use crate::compose::model::{FileGrant, FileSource};

/// Readable by everyone.
const MODE: u32 = 0o444;

/// Decodes a top-level config or secret; `None` also for one that nobody uses.
pub(super) fn source(
    field: Field<'_>,
    kind: &'static str,
    key: &str,
    keys: &'static Keys,
    used: bool,
    context: &Context<'_>,
) -> Option<FileSource> {
    let object = field.object_at(Place { kind, name: key, within: "" }, keys)?;
    object.string("name");
    object.texts("labels");
    let given: Vec<Field<'_>> =
        ["file", "environment", "content"].into_iter().filter_map(|key| object.get(key)).collect();
    let source = match given.as_slice() {
        [source] => *source,
        [] => {
            if !object.has("external") && !object.has("driver") {
                let allowed =
                    if kind == "config" { "`file`, `environment` or `content`" } else { "`file` or `environment`" };
                context
                    .report
                    .error(object.origin, DiagnosticKind::Missing(format!("{} needs {allowed}", object.place)));
            }
            return None;
        }
        [first, second, ..] => {
            let text = format!("{}: `{}` and `{}` exclude each other", object.place, first.key, second.key);
            let label = (first.node.origin, "the other one");
            context.report.error_with_label(second.node.origin, DiagnosticKind::Conflict(text), label);
            return None;
        }
    };
    let text = source.string()?;
    if !used {
        return None;
    }
    match source.key {
        "file" => Some(FileSource::File(context.path(&text))),
        "content" => Some(FileSource::Content(text)),
        _ => match context.environment.get(&text) {
            Some(value) => Some(FileSource::Content(value.clone())),
            None => {
                source.invalid(format!("the variable `{text}` is not set"));
                None
            }
        },
    }
}

/// Decodes what a service gets; a relative target lies below `directory`.
pub(super) fn grants(service: &Object<'_>, key: &'static str, directory: &str) -> Vec<FileGrant> {
    let items = service.get(key).map(Field::items).unwrap_or_default();
    items.into_iter().filter_map(|item| grant(item, directory)).collect()
}

fn grant(field: Field<'_>, directory: &str) -> Option<FileGrant> {
    let object = field.object(&keys::GRANT)?;
    let Some(source) = object.get("source") else {
        object.missing("source");
        return None;
    };
    let source = source.string()?;
    let target = object.string("target").unwrap_or_else(|| source.clone());
    let target = if target.starts_with('/') { target } else { format!("{directory}{target}") };
    let id = |key| object.get(key).and_then(|field| field.number::<u32>("a numeric id")).unwrap_or(0);
    let mode = object.parse("mode", mode).unwrap_or(MODE);
    Some(FileGrant { source, target, uid: id("uid"), gid: id("gid"), mode })
}

/// Permission bits: octal with a leading `0` or `0o`, as YAML has it, else decimal.
pub(super) fn mode(text: &str) -> Result<u32, String> {
    let octal = text.strip_prefix("0o").or(text.strip_prefix('0'));
    let mode = match octal {
        Some("") => Ok(0),
        Some(digits) => u32::from_str_radix(digits, 8),
        None => text.parse(),
    };
    mode.ok().filter(|mode| *mode <= 0o7777).ok_or_else(|| format!("`{text}` is not a mode such as 0440"))
}
