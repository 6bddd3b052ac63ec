//! `rcompose commit`.

use crate::image::Change;
use crate::name::ServiceName;

/// The flags of `commit`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct CommitArgs {
    /// Who has made it: `Name <address>`
    #[arg(short, long, value_name = "TEXT")]
    pub author: Option<String>,
    /// Change what its containers run by an instruction of a Dockerfile, such as `CMD ["serve"]`; repeatable
    #[arg(short, long, value_name = "INSTRUCTION")]
    pub change: Vec<Change>,
    /// Which of the service's containers [default: the lowest number]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub index: Option<u32>,
    /// What has changed
    #[arg(short, long, value_name = "TEXT")]
    pub message: Option<String>,
    /// Whether the container is paused meanwhile
    #[arg(short, long, value_name = "BOOL", default_value_t = true, default_missing_value = "true", num_args = 0..=1,
          require_equals = true, action = clap::ArgAction::Set, hide_possible_values = true)]
    pub pause: bool,
    /// The service
    #[arg(value_name = "SERVICE")]
    pub service: ServiceName,
    /// What the image is called
    #[arg(value_name = "REPOSITORY[:TAG]")]
    pub reference: Option<String>,
}

#[cfg(test)]
mod tests {
    use crate::cli::args::Command;
    use crate::cli::args::tests::parse;

    #[test]
    fn commit() {
        let line = "commit -a me -m why -p=false --index 2 web app:2";
        let Command::Commit(commit) = parse(line).unwrap().command else { panic!() };
        assert_eq!((commit.author.as_deref(), commit.message.as_deref()), (Some("me"), Some("why")));
        assert_eq!((commit.pause, commit.index, commit.reference.as_deref()), (false, Some(2), Some("app:2")));
        assert!(parse("commit -c FROM web").is_err());
    }
}
