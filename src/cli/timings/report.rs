//! `--timings`: where to the timings go.

use std::path::PathBuf;
use std::str::FromStr;

use super::{Stopwatch, json, svg, text};
use crate::cli::args::Globals;
use crate::cli::error::CliError;
use crate::cli::output;
use crate::cli::progress::ProgressMode;
use crate::name::ProjectName;
use crate::supervisor::StepTime;

/// What `--timings` takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimingsTo {
    /// A waterfall on standard error.
    Terminal,
    /// A picture.
    Svg(PathBuf),
    /// A file for programs.
    Json(PathBuf),
}

impl FromStr for TimingsTo {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let path = PathBuf::from(text);
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("svg") => Ok(Self::Svg(path)),
            Some("json") => Ok(Self::Json(path)),
            _ if text.is_empty() => Ok(Self::Terminal),
            _ => Err("the name of the file must end in .svg or .json".to_owned()),
        }
    }
}

/// Tells where the time of a command went.
#[derive(Debug)]
pub struct Report {
    /// The command.
    pub title: &'static str,
    /// Where to.
    pub to: TimingsTo,
    /// What the command itself took.
    pub stopwatch: Stopwatch,
    /// What the supervisor did.
    pub steps: Vec<StepTime>,
}

impl Report {
    /// Tells it, as of now.
    ///
    /// # Errors
    /// [`CliError::OutputFile`].
    pub(in crate::cli) fn tell(self, globals: &Globals, project: &ProjectName) -> Result<(), CliError> {
        let timings = self.stopwatch.timings(project.as_str(), self.steps);
        let written = |source| CliError::OutputFile { source };
        match self.to {
            TimingsTo::Svg(path) => fs_err::write(path, svg::render(&timings, self.title)).map_err(written),
            TimingsTo::Json(path) => {
                fs_err::write(path, format!("{:#}\n", json::render(&timings, self.title))).map_err(written)
            }
            TimingsTo::Terminal if globals.progress == Some(ProgressMode::Json) => {
                output::said(&format!("{}\n", serde_json::json!({ "timings": json::render(&timings, self.title) })));
                Ok(())
            }
            TimingsTo::Terminal => {
                output::said(&text::render(&timings, self.title, output::paint(globals)));
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_file_says_what_is_in_it() {
        assert_eq!("".parse(), Ok(TimingsTo::Terminal));
        assert_eq!("a/b.svg".parse(), Ok(TimingsTo::Svg("a/b.svg".into())));
        assert_eq!("b.json".parse(), Ok(TimingsTo::Json("b.json".into())));
        assert!("b.png".parse::<TimingsTo>().is_err());
    }
}
