//! `rcompose attach`.

use crate::cli::detach_keys::DetachKeys;
use crate::name::ServiceName;

/// The flags of `attach`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct AttachArgs {
    /// Keys that leave the container running, with commas in between [default: ctrl-p,ctrl-q]
    #[arg(long, value_name = "KEYS", default_value = "ctrl-p,ctrl-q", hide_default_value = true)]
    pub detach_keys: DetachKeys,
    /// Which of the service's containers [default: the lowest number]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub index: Option<u32>,
    /// Send no input
    #[arg(long)]
    pub no_stdin: bool,
    /// Whether signals are passed on to the container
    #[arg(long, value_name = "BOOL", default_value_t = true, default_missing_value = "true", num_args = 0..=1,
          require_equals = true, action = clap::ArgAction::Set, hide_possible_values = true)]
    pub sig_proxy: bool,
    /// The service
    #[arg(value_name = "SERVICE")]
    pub service: ServiceName,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Command;
    use crate::cli::args::tests::parse;

    #[test]
    fn flags() {
        let attach = |line: &str| match parse(line).unwrap().command {
            Command::Attach(attach) => attach,
            other => panic!("{other:?}"),
        };
        let args = attach("attach --detach-keys ctrl-a --index 2 --no-stdin --sig-proxy=false web");
        assert_eq!(args.detach_keys, "ctrl-a".parse().unwrap());
        assert_eq!((args.index, args.no_stdin, args.sig_proxy), (Some(2), true, false));
        let args = attach("attach web");
        assert_eq!((args.detach_keys, args.sig_proxy, args.service.as_str()), (DetachKeys::default(), true, "web"));
        assert!(attach("attach --sig-proxy web").sig_proxy);
        assert!(parse("attach --detach-keys ctrl-A web").is_err());
    }
}
