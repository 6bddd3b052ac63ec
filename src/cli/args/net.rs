//! `rcompose net`.

/// The flags of `net`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct NetArgs {
    /// Print a picture for Graphviz: `rcompose net --dot | dot -Tsvg > net.svg`
    #[arg(long, conflicts_with_all = ["format", "of"])]
    pub dot: bool,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "table", hide_default_value = true)]
    pub format: NetFormat,
    /// Two services or containers: whether the first reaches the second, and why
    #[arg(value_names = ["FROM", "TO"], num_args = 2)]
    pub of: Vec<String>,
}

/// How `net` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum NetFormat {
    /// Tables, for people.
    Table,
    /// One object.
    Json,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Command;
    use crate::cli::args::tests::parse;

    #[test]
    fn net() {
        let net = |line: &str| match parse(line).map(|args| args.command) {
            Ok(Command::Net(net)) => Some(net),
            _ => None,
        };
        let args = net("net --format json web db").unwrap();
        assert_eq!((args.format, &args.of[..]), (NetFormat::Json, &["web".to_owned(), "db".to_owned()][..]));
        assert!(net("net").unwrap().of.is_empty());
        assert!(net("net --dot").unwrap().dot);
        for wrong in ["net web", "net a b c", "net --dot a b", "net --dot --format json"] {
            assert_eq!(net(wrong), None, "{wrong}");
        }
    }
}
