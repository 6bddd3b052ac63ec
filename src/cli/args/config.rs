//! `rcompose config`.

use std::path::PathBuf;
use std::str::FromStr;

use crate::name::{InvalidName, ServiceName};

/// The flags of `config`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[group(skip)]
pub struct ConfigArgs {
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "yaml", hide_default_value = true)]
    pub format: ConfigFormat,
    /// Only check, print nothing
    #[arg(short, long)]
    pub quiet: bool,
    /// Print the services
    #[arg(long, group = "listing")]
    pub services: bool,
    /// Print the volumes
    #[arg(long, group = "listing")]
    pub volumes: bool,
    /// Print the networks
    #[arg(long, group = "listing")]
    pub networks: bool,
    /// Print the images
    #[arg(long, group = "listing")]
    pub images: bool,
    /// Print the profiles
    #[arg(long, group = "listing")]
    pub profiles: bool,
    /// Print the configuration hash of these services, separated by commas, or of all with `*`
    #[arg(long, value_name = "SERVICES", group = "listing")]
    pub hash: Option<HashOf>,
    /// Write to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Only these services
    #[arg(value_name = "SERVICE")]
    pub of_services: Vec<ServiceName>,
}

/// How `config` prints the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ConfigFormat {
    /// A Compose file.
    Yaml,
    /// The same as JSON.
    Json,
}

/// Whose configuration hash to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HashOf {
    /// Every service's: `*`.
    All,
    /// That of these.
    Services(Vec<ServiceName>),
}

impl FromStr for HashOf {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        if text == "*" {
            return Ok(Self::All);
        }
        text.split(',').map(ServiceName::new).collect::<Result<_, _>>().map(Self::Services)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Command;
    use crate::cli::args::tests::parse;

    fn config(line: &str) -> ConfigArgs {
        let Command::Config(config) = parse(line).unwrap().command else { panic!() };
        config
    }

    #[test]
    fn formats_and_lists() {
        assert_eq!(config("config").format, ConfigFormat::Yaml);
        assert_eq!(config("config --format json -o out web").output, Some(PathBuf::from("out")));
        assert!(config("config -q --services").quiet);
        assert_eq!(config("config --hash *").hash, Some(HashOf::All));
        let services = ["web", "db"].map(|name| ServiceName::new(name).unwrap());
        assert_eq!(config("config --hash web,db").hash, Some(HashOf::Services(services.to_vec())));
        assert!(parse("config --services --volumes").is_err());
    }
}
