//! What a target has to say to the rules for Dockerfiles.

use std::collections::BTreeMap;

use super::Target;
use super::dockerfile::{BaseImage, Checked, Dockerfile, Facts, Ignore, check as check_file, foreign_syntax};
use super::graph::platform_arguments;
use crate::image::{ImageConfig, host_platform};

/// Checks the Dockerfile of `target` by the rules that it does not leave out, as it is built: with its arguments, its
/// `.dockerignore` and what `image` says of the images it begins with, which is nothing where one is not known.
pub fn check(target: &Target, file: &Dockerfile, image: &dyn Fn(&str) -> Option<ImageConfig>) -> Checked {
    let host = host_platform();
    let wanted = target.platform.as_deref().unwrap_or(&host);
    let platform = platform_arguments(&host, wanted, target.stage.as_deref().unwrap_or_default());
    // One that is broken is told of when it is used.
    let ignore = target.ignore.as_ref().and_then(|(_, text)| Ignore::parse(text).ok());
    let facts = Facts {
        arguments: &target.arguments,
        platform: &platform,
        image: &|name: &str| image(name).map(|config| brought(&config)),
        ignore: ignore.as_ref(),
    };
    let mut checked = check_file(file, &facts);
    checked.warnings.splice(0..0, foreign_syntax(file));
    checked
}

/// What an image brings with it that the rules look at.
fn brought(config: &ImageConfig) -> BaseImage {
    let variables = config.env.iter().filter_map(|variable| variable.split_once('='));
    let environment: BTreeMap<_, _> = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    BaseImage { environment, shell: config.shell.is_some() }
}
