//! `rcompose cp`.

use crate::cli::copy::Operand;

/// The flags of `cp`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct CpArgs {
    /// Keep the owners of files; otherwise they are root's in a container, and yours here
    #[arg(short, long)]
    pub archive: bool,
    /// Copy what a symlink at the source leads to, not the link
    #[arg(short = 'L', long)]
    pub follow_link: bool,
    /// Which of the service's containers [default: the first to copy from, all to copy to]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub index: Option<u32>,
    /// Copy to containers that `run` has made too
    #[arg(long)]
    pub all: bool,
    /// SERVICE:PATH, a path of this machine, or `-` for a tar archive on standard input
    #[arg(value_name = "SOURCE")]
    pub source: Operand,
    /// SERVICE:PATH, a path of this machine, or `-` for a tar archive on standard output
    #[arg(value_name = "TARGET")]
    pub target: Operand,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Command;
    use crate::cli::args::tests::parse;

    #[test]
    fn cp() {
        let Command::Cp(cp) = parse("cp -a -L --index 2 --all web:/etc -").unwrap().command else { panic!() };
        assert!(cp.archive && cp.follow_link && cp.all);
        assert_eq!((cp.index, cp.target), (Some(2), Operand::Archive));
        assert!(parse("cp web:/etc").is_err());
    }
}
