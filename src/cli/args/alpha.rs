//! `rcompose alpha`, and what is refused by name.

use std::ffi::OsString;
use std::path::PathBuf;

use super::ConfigFormat;

/// The commands of `alpha`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct AlphaArgs {
    /// Which.
    #[command(subcommand)]
    pub verb: AlphaVerb,
}

/// Commands that docker compose calls experimental.
#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand)]
pub enum AlphaVerb {
    /// Draw the services and what they depend on, for graphviz
    Viz(VizArgs),
    /// Make a Compose file of containers that there are
    Generate(GenerateArgs),
}

/// The flags of `alpha viz`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct VizArgs {
    /// Show the images
    #[arg(long)]
    pub image: bool,
    /// By how many characters lines are indented
    #[arg(long, value_name = "NUMBER", default_value_t = 1, hide_default_value = true)]
    pub indentation_size: u8,
    /// Show the networks
    #[arg(long)]
    pub networks: bool,
    /// Show the ports
    #[arg(long)]
    pub ports: bool,
    /// Indent by blanks in place of tabs
    #[arg(long)]
    pub spaces: bool,
}

/// The flags of `alpha generate`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct GenerateArgs {
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "yaml", hide_default_value = true)]
    pub format: ConfigFormat,
    /// The name of the project
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The directory of the project: its name if there is no other
    #[arg(long, value_name = "DIR")]
    pub project_dir: Option<PathBuf>,
    /// Names of containers, or ids or their beginnings
    #[arg(value_name = "CONTAINER", required = true)]
    pub containers: Vec<String>,
}

/// What a command is given that is refused.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct RefusedArgs {
    /// Anything
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    pub arguments: Vec<OsString>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Command;
    use crate::cli::args::tests::parse;

    #[test]
    fn alpha() {
        let Command::Alpha(alpha) = parse("alpha viz --networks --spaces --indentation-size 2").unwrap().command else {
            panic!()
        };
        let AlphaVerb::Viz(viz) = alpha.verb else { panic!() };
        assert!(viz.networks && viz.spaces && !viz.ports && viz.indentation_size == 2);
        assert!(parse("alpha generate").is_err());
        assert!(parse("bridge convert -o out").is_ok());
    }
}
