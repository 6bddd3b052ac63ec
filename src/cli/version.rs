//! `rcompose version`.

use crate::cli::args::{VersionArgs, VersionFormat};

/// What `version` prints.
#[must_use]
pub fn text(args: &VersionArgs) -> String {
    let version = env!("CARGO_PKG_VERSION");
    match args.format {
        _ if args.short => format!("{version}\n"),
        VersionFormat::Pretty => format!("rcompose version {version}\n"),
        VersionFormat::Json => format!("{}\n", serde_json::json!({ "version": version })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        let version = env!("CARGO_PKG_VERSION");
        for (format, short, expected) in [
            (VersionFormat::Pretty, false, format!("rcompose version {version}\n")),
            (VersionFormat::Json, false, format!("{{\"version\":\"{version}\"}}\n")),
            (VersionFormat::Pretty, true, format!("{version}\n")),
        ] {
            assert_eq!(text(&VersionArgs { format, short }), expected);
        }
    }
}
