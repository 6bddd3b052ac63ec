//! `rcompose publish`.

/// The flags of `publish`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct PublishArgs {
    /// Publish the images of the services with it
    #[arg(long)]
    pub app: bool,
    /// Version of the OCI specification [default: 1.1, or 1.0 where the registry does not take that]
    #[arg(long, value_name = "VERSION")]
    pub oci_version: Option<OciVersion>,
    /// Replace the tags of images by the digests that they stand for now
    #[arg(long)]
    pub resolve_image_digests: bool,
    /// Publish `env_file`s with it
    #[arg(long)]
    pub with_env: bool,
    /// Agree to everything
    #[arg(short, long)]
    pub yes: bool,
    /// Where to
    #[arg(value_name = "REPOSITORY[:TAG]")]
    pub repository: String,
}

/// A version of the OCI specification of artifacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum OciVersion {
    /// What an artifact is, is told by the type of its configuration.
    #[value(name = "1.0")]
    V1_0,
    /// What an artifact is, is told by a field of its own.
    #[value(name = "1.1")]
    V1_1,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Command;
    use crate::cli::args::tests::parse;

    #[test]
    fn publish() {
        let line = "publish --app --oci-version 1.0 --resolve-image-digests --with-env -y me/shop:1";
        let Command::Publish(publish) = parse(line).unwrap().command else { panic!() };
        assert!(publish.app && publish.resolve_image_digests && publish.with_env && publish.yes);
        assert_eq!((publish.oci_version, publish.repository.as_str()), (Some(OciVersion::V1_0), "me/shop:1"));
    }
}
