//! `config --explain`: where values come from.

use std::io;

use serde_json::Value;

use crate::cli::args::{ConfigArgs, ConfigFormat};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::style::Paint;
use crate::compose::Resolved;

/// Explains each path; as JSON, the values of all of them in one list.
pub(super) fn text(context: &Context, args: &ConfigArgs, resolved: &Resolved) -> Result<String, CliError> {
    let explained: Vec<_> = args.explain.iter().map(|path| resolved.explain(path)).collect::<Result<_, _>>()?;
    if args.format == Some(ConfigFormat::Json) {
        let lists = explained.iter().map(|explained| explained.to_json().as_array().cloned().unwrap_or_default());
        return Ok(format!("{:#}\n", Value::Array(lists.flatten().collect())));
    }
    let paint = context.globals.ansi.unwrap_or_default().paint(&io::stdout());
    let color = paint == Paint::COLOURED && args.output.is_none();
    let texts: Vec<String> = explained.iter().map(|explained| explained.render(color)).collect();
    Ok(texts.join("\n"))
}
