//! What `ADD` takes from other machines: files of web servers, and commits of git repositories.

use std::path::Path;

use super::{Solver, StepError};
use crate::build::context::Tree;
use crate::build::copy::Source;
use crate::build::graph::CopyStep;
use crate::build::remote::{Cache, Checkout, check_out, download, git_reference, is_web_address};
use crate::image::Digest;
use crate::sys::RootDir;

/// Whether a source of `ADD` is on another machine.
pub(in crate::build) fn is_remote(source: &str) -> bool {
    is_web_address(source) || matches!(git_reference(source), Ok(Some(_)))
}

impl Solver<'_> {
    /// Brings a source of `ADD`.
    pub(super) fn fetch(&self, step: &CopyStep, address: &str) -> Result<(Vec<Source>, Tree), StepError> {
        let cache = Cache::at(self.builder.cache.directory("remote").map_err(StepError::Cache)?);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(StepError::Open)?;
        let open = |path: &Path| RootDir::open(path).map_err(StepError::Open);
        let invalid = |rule: String| StepError::Address { address: address.to_owned(), rule };
        if let Some(reference) = git_reference(address).map_err(invalid)? {
            let how = Checkout {
                keep_git_dir: reference.keep_git_dir.unwrap_or(step.keep_git_dir),
                submodules: reference.submodules.unwrap_or(true),
                checksum: step.checksum.as_deref(),
            };
            let checked_out = runtime.block_on(check_out(&reference, how, &cache, self.builder.environment))?;
            let directory = checked_out.directory(&reference.subdirectory).ok_or_else(|| {
                let path = reference.subdirectory.display();
                invalid(format!("there is no directory `{path}` in it"))
            })?;
            return Ok((vec![Source::Path("/".to_owned())], Tree::context(open(&directory)?, None, None)));
        }
        let checksum = step.checksum.as_deref().map(str::parse::<Digest>).transpose();
        let checksum = checksum.map_err(|error| invalid(error.to_string()))?;
        let cancelled = || self.builder.cancel.is_cancelled();
        let file = runtime.block_on(download(address, checksum, &cache, &cancelled))?;
        Ok((vec![Source::Exact(file.name)], Tree::context(open(&file.directory)?, None, None)))
    }
}
