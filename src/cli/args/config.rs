//! `rcompose config`.

use std::path::PathBuf;
use std::str::FromStr;

use crate::name::{InvalidName, ServiceName};

/// The flags of `config`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[group(skip)]
pub struct ConfigArgs {
    /// Output format [default: yaml; of --variables and --explain, for people]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<ConfigFormat>,
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
    /// Print the models
    #[arg(long, group = "listing")]
    pub models: bool,
    /// Print the images
    #[arg(long, group = "listing")]
    pub images: bool,
    /// Print the profiles
    #[arg(long, group = "listing")]
    pub profiles: bool,
    /// Print the variables that the files name, with their defaults
    #[arg(long, group = "listing")]
    pub variables: bool,
    /// Print the variables that there are, with their values
    #[arg(long, group = "listing")]
    pub environment: bool,
    /// Print the configuration hash of these services, separated by commas, or of all with `*`
    #[arg(long, value_name = "SERVICES", group = "listing")]
    pub hash: Option<HashOf>,
    /// Tell where a value comes from, such as services.web.ports.0; repeatable
    #[arg(long, value_name = "PATH", group = "listing")]
    pub explain: Vec<String>,
    /// Print the JSON Schema of Compose files, for editors
    #[arg(long, group = "listing")]
    pub json_schema: bool,
    /// Fail if anything in the files has no effect or is not supported here, and list it
    #[arg(long, conflicts_with_all = ["no_interpolate", "no_normalize", "no_path_resolution", "no_env_resolution",
        "no_consistency"])]
    pub strict: bool,
    /// Replace the tags of images by the digests that they stand for
    #[arg(long)]
    pub resolve_image_digests: bool,
    /// Print only the images, by their digests: a file to merge over the others
    #[arg(long, conflicts_with = "listing")]
    pub lock_image_digests: bool,
    /// Leave variables as they are
    #[arg(long)]
    pub no_interpolate: bool,
    /// Add nothing that only follows from the files: default network, names, dependencies
    #[arg(long)]
    pub no_normalize: bool,
    /// Leave paths as they are
    #[arg(long)]
    pub no_path_resolution: bool,
    /// Leave `env_file` and `label_file` as they are
    #[arg(long)]
    pub no_env_resolution: bool,
    /// Do not check whether the services fit together
    #[arg(long)]
    pub no_consistency: bool,
    /// Write to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Only these services and what they depend on
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
        assert_eq!(config("config").format, None);
        assert_eq!(config("config --explain a --explain b.c").explain, ["a", "b.c"]);
        assert_eq!(config("config --format json -o out web").output, Some(PathBuf::from("out")));
        assert!(config("config -q --services").quiet);
        assert_eq!(config("config --hash *").hash, Some(HashOf::All));
        let services = ["web", "db"].map(|name| ServiceName::new(name).unwrap());
        assert_eq!(config("config --hash web,db").hash, Some(HashOf::Services(services.to_vec())));
        assert!(parse("config --services --volumes").is_err());
    }
}
