//! `rcompose graph`.

use std::path::PathBuf;

use crate::name::ServiceName;

/// The flags of `graph`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct GraphArgs {
    /// Language of the picture [default: that of the file's ending, else svg]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<GraphFormat>,
    /// Write it to this file
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Only these services, and what they depend on
    #[arg(value_name = "SERVICE")]
    pub services: Vec<ServiceName>,
}

/// The language of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum GraphFormat {
    /// A picture that needs nothing beside itself.
    Svg,
    /// For Graphviz.
    Dot,
    /// For documents on the web.
    Mermaid,
}

impl GraphArgs {
    /// The language that is asked for.
    #[must_use]
    pub fn language(&self) -> GraphFormat {
        let ending = self.output.as_ref().and_then(|path| path.extension()?.to_str());
        self.format.unwrap_or(match ending {
            Some("dot" | "gv") => GraphFormat::Dot,
            Some("mmd" | "mermaid" | "md") => GraphFormat::Mermaid,
            _ => GraphFormat::Svg,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Command;
    use crate::cli::args::tests::parse;

    #[test]
    fn the_file_says_the_language_unless_a_flag_does() {
        let language = |line: &str| {
            let Command::Graph(graph) = parse(line).unwrap().command else { panic!() };
            graph.language()
        };
        assert_eq!(language("graph web"), GraphFormat::Svg);
        assert_eq!(language("graph -o stack.dot"), GraphFormat::Dot);
        assert_eq!(language("graph -o stack.mmd"), GraphFormat::Mermaid);
        assert_eq!(language("graph --format mermaid -o stack.svg"), GraphFormat::Mermaid);
        assert!(parse("graph --format png").is_err());
    }
}
