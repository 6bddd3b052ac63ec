//! What instructions change of the configuration of an image: no file, and so no layer.

use std::time::Duration;

use crate::build::dockerfile::{CommandForm, Healthcheck};
use crate::image::{ImageConfig, ImageHealthcheck};
use crate::text::units::format_duration;

/// The path of images that set none.
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What runs the shell form of commands, unless `SHELL` says so.
const SHELL: [&str; 2] = ["/bin/sh", "-c"];

/// Makes the configuration of a base what a stage begins with.
pub(super) fn begin(config: &mut ImageConfig) {
    config.on_build.clear();
    if !config.env.iter().any(|assigned| assigned.starts_with("PATH=")) {
        config.env.push(PATH.to_owned());
    }
}

/// The shell of the shell form of commands.
pub(super) fn shell(config: &ImageConfig) -> Vec<String> {
    match &config.shell {
        Some(shell) if !shell.is_empty() => shell.clone(),
        _ => SHELL.map(str::to_owned).to_vec(),
    }
}

/// A command as a list: the shell form is what a shell is given.
pub(super) fn command(config: &ImageConfig, form: &CommandForm) -> Vec<String> {
    match form {
        CommandForm::Shell(text) => shell(config).into_iter().chain([text.text.clone()]).collect(),
        CommandForm::Exec(words) => words.iter().map(|word| word.text.clone()).collect(),
    }
}

/// `ENV`.
pub(super) fn set_variable(config: &mut ImageConfig, name: &str, value: &str) {
    let prefix = format!("{name}=");
    let assigned = format!("{prefix}{value}");
    match config.env.iter_mut().find(|known| known.starts_with(&prefix)) {
        Some(known) => *known = assigned,
        None => config.env.push(assigned),
    }
}

/// `HEALTHCHECK`.
pub(super) fn healthcheck(check: &Healthcheck) -> ImageHealthcheck {
    match check {
        Healthcheck::None => ImageHealthcheck { test: vec!["NONE".to_owned()], ..ImageHealthcheck::default() },
        Healthcheck::Check { command, interval, timeout, start_period, start_interval, retries } => {
            let (kind, words) = match &command.form {
                // Whoever runs it takes the shell of the image.
                CommandForm::Shell(text) => ("CMD-SHELL", vec![text.text.clone()]),
                CommandForm::Exec(words) => ("CMD", words.iter().map(|word| word.text.clone()).collect()),
            };
            let test = std::iter::once(kind.to_owned()).chain(words).collect();
            ImageHealthcheck {
                test,
                interval: *interval,
                timeout: *timeout,
                start_period: *start_period,
                start_interval: *start_interval,
                retries: *retries,
            }
        }
    }
}

/// What the history says of a `HEALTHCHECK`: what it comes to, in the form that BuildKit gives it.
pub(super) fn said_of_healthcheck(check: &ImageHealthcheck) -> String {
    let time = |duration: Option<Duration>| format_duration(duration.unwrap_or_default());
    format!(
        "HEALTHCHECK {{Test:[{}] Interval:{} Timeout:{} StartPeriod:{} StartInterval:{} Retries:{}}}",
        check.test.join(" "),
        time(check.interval),
        time(check.timeout),
        time(check.start_period),
        time(check.start_interval),
        check.retries.unwrap_or_default()
    )
}

/// `text` seen from the directory `from`, without `.` and `..`, and with no slash at its end.
pub(super) fn absolute(from: &str, text: &str) -> String {
    let joined = if text.starts_with('/') { text.to_owned() } else { format!("{from}/{text}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in joined.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_has_a_path() {
        let mut config = ImageConfig { on_build: vec!["RUN make".to_owned()], ..ImageConfig::default() };
        begin(&mut config);
        assert_eq!(config.env, [PATH]);
        assert_eq!(config.on_build, [""; 0]);
        let env = vec!["PATH=/bin".to_owned()];
        let mut config = ImageConfig { env: env.clone(), ..ImageConfig::default() };
        begin(&mut config);
        assert_eq!(config.env, env);
    }

    #[test]
    fn directories_as_they_are_seen() {
        for (from, text, path) in [
            ("/", "srv", "/srv"),
            ("/srv", "app/", "/srv/app"),
            ("/srv", "/app//x", "/app/x"),
            ("/srv/app", "../b/./c", "/srv/b/c"),
            ("/srv", "../../..", "/"),
        ] {
            assert_eq!(absolute(from, text), path, "{from} {text}");
        }
    }

    #[test]
    fn the_later_value_of_a_variable_counts() {
        let mut config = ImageConfig::default();
        set_variable(&mut config, "A", "1");
        set_variable(&mut config, "AB", "2");
        set_variable(&mut config, "A", "x=y");
        assert_eq!(config.env, ["A=x=y", "AB=2"]);
    }
}
