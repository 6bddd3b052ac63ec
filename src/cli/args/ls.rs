//! `rcompose ls`.

use std::str::FromStr;

use regex::Regex;

use crate::cli::listing::ListFormat;

/// The flags of `ls`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct LsArgs {
    /// Show stopped projects too
    #[arg(short, long)]
    pub all: bool,
    /// Only projects whose names match: `name=REGEX`; repeatable
    #[arg(long, value_name = "FILTER")]
    pub filter: Vec<NameFilter>,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "table", hide_default_value = true)]
    pub format: ListFormat,
    /// Print only names
    #[arg(short, long)]
    pub quiet: bool,
}

/// `--filter name=REGEX`.
#[derive(Debug, Clone)]
pub struct NameFilter(Regex);

impl PartialEq for NameFilter {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for NameFilter {}

impl FromStr for NameFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some(("name", pattern)) => Regex::new(pattern).map(Self).map_err(|error| error.to_string()),
            Some((kind, _)) => Err(format!("there is no filter `{kind}`: expected name=REGEX")),
            None => Err("expected name=REGEX".to_owned()),
        }
    }
}

impl NameFilter {
    /// Whether it is looked for.
    #[must_use]
    pub fn admits(&self, name: &str) -> bool {
        self.0.is_match(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Command;
    use crate::cli::args::tests::parse;

    #[test]
    fn ls() {
        let Command::Ls(ls) = parse("ls -a -q --filter name=^sh --format json").unwrap().command else { panic!() };
        assert!(ls.all && ls.quiet);
        assert_eq!(ls.format, ListFormat::Json);
        assert!(ls.filter[0].admits("shop") && !ls.filter[0].admits("bishop"));
        assert!(parse("ls --filter status=x").is_err() && parse("ls --filter name=(").is_err());
    }
}
