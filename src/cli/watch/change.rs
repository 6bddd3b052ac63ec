//! What is done to containers: files copied, restarts, commands.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::Watch;
use super::rule::{Changes, Rule};
use crate::cli::attached::label;
use crate::cli::build::{BuildOptions, build_services};
use crate::cli::error::CliError;
use crate::cli::follow::complete;
use crate::cli::output;
use crate::cli::progress::ProgressMode;
use crate::cli::select::is_one_off;
use crate::compose::model::Hook;
use crate::name::ServiceName;
use crate::plan::{Action, UpOptions};
use crate::runtime::files::{FilesError, Mirror, Mirrored};
use crate::runtime::{self, Handle};
use crate::supervisor::{Client, Configuration, Record, Request, hook_options};

/// What a rule has copied.
#[derive(Debug)]
pub(super) struct Copied<'a> {
    rule: &'a Rule,
    copied: Vec<(PathBuf, PathBuf)>,
    removed: Vec<PathBuf>,
    only_other: bool,
}

impl<'a> Copied<'a> {
    /// What `changes` come to by one of `rules`. With `only_other`, files that are there already are left alone.
    pub(super) fn of(rules: &'a Rc<[Rule]>, number: usize, changes: &Changes, only_other: bool) -> Self {
        let rule = &rules[number];
        let placed = |path: &PathBuf| Some((path.clone(), rule.place(path)?));
        Self {
            rule,
            copied: changes.changed.iter().filter_map(placed).collect(),
            removed: changes.removed.iter().filter_map(|path| rule.place(path)).collect(),
            only_other,
        }
    }

    fn apply(&self, handle: &Handle) -> Result<Mirrored, CliError> {
        let rule = self.rule;
        let stays = |path: &Path| rule.origin(path).is_some_and(|origin| rule.ignores(&origin));
        let mirror =
            Mirror { removed: &self.removed, stays: &stays, copied: &self.copied, only_other: self.only_other };
        Ok(handle.files()?.mirror(&mirror)?)
    }
}

impl Watch<'_> {
    /// Copies into all running containers of a service, and says how many files were written.
    pub(super) async fn copy(&self, service: &ServiceName, copied: Vec<Copied<'_>>) -> Result<usize, CliError> {
        let mut written = 0;
        for (record, handle) in self.running(service)? {
            for copied in &copied {
                let result = copied.apply(&handle);
                match result {
                    Ok(mirrored) => {
                        written += mirrored.written;
                        self.tell(&record, &mirrored.failures);
                    }
                    // It has ended meanwhile: what it lacks it gets when it starts.
                    Err(_) if handle_is_gone(&handle) => break,
                    Err(error) => self.warn(&format!("cannot sync {}: {}", record.name, with_causes(&error))),
                }
            }
        }
        Ok(written)
    }

    /// The first of the failures says enough: they are of a kind.
    fn tell(&self, record: &Record, failures: &[FilesError]) {
        let Some(first) = failures.first() else { return };
        let more = match failures.len() {
            1 => String::new(),
            count => format!(" (and {} more)", count - 1),
        };
        self.warn(&format!("cannot sync {}: {}{more}", record.name, with_causes(first)));
    }

    fn running(&self, service: &ServiceName) -> Result<Vec<(Record, Handle)>, CliError> {
        let paths = self.context.layout.project(&self.project.name);
        let mut running = Vec::new();
        for record in paths.read_containers::<Configuration>()? {
            if record.service == *service
                && !is_one_off(&record.labels)
                && let Some(handle) = Handle::adopt(paths.container(&record.id).run())?
            {
                running.push((record, handle));
            }
        }
        running.sort_by_key(|(record, _)| record.number);
        Ok(running)
    }

    /// Builds the image of a service, and makes its containers anew from it.
    pub(super) async fn rebuild(&self, service: &ServiceName) -> Result<(), CliError> {
        self.say(&format!("Rebuilding service(s) [\"{service}\"] after changes were detected..."))?;
        let paint = output::paint(&self.context.globals);
        let services = [service.clone()];
        if let Err(error) = build_services(self.context, self.project, &services, &BuildOptions::default()).await {
            // The containers go on with what they have.
            output::said(&error.render(paint));
            return Ok(());
        }
        let options = UpOptions { services: services.into(), no_deps: true, ..UpOptions::default() };
        let subnet_pools = self.context.network_settings()?.address_pools;
        let project = Box::new(self.project.clone());
        let request = Request::Up { project, options, subnet_pools, follow: false, timed: false };
        let mut globals = self.context.globals.clone();
        globals.progress = Some(ProgressMode::Quiet);
        let client = Client::request(&self.context.layout, &self.project.name, &request).await?;
        self.restarting.set(true);
        let done = complete(client, output::progress(&globals, "up"), paint).await;
        self.restarting.set(false);
        match done {
            Ok(()) => self.say(&format!("service(s) [\"{service}\"] successfully built")),
            Err(error) => {
                self.warn(&format!("cannot start service \"{service}\": {}", with_causes(&error)));
                Ok(())
            }
        }
    }

    /// Restarts the containers of a service, and those of others that ask for it.
    pub(super) async fn restart(&self, service: &ServiceName) -> Result<(), CliError> {
        let action = Action::Restart { timeout: None, no_deps: false };
        let project = Some(Box::new(self.project.clone()));
        let request = Request::Act { project, services: vec![service.clone()], action, at_once: None, timed: false };
        let mut globals = self.context.globals.clone();
        // One line is said in the end.
        globals.progress = Some(ProgressMode::Quiet);
        let client = Client::request(&self.context.layout, &self.project.name, &request).await?;
        self.restarting.set(true);
        let done = complete(client, output::progress(&globals, "restart"), output::paint(&globals)).await;
        self.restarting.set(false);
        match done {
            Ok(()) => self.say(&format!("service(s) [\"{service}\"] restarted")),
            Err(error) => {
                self.warn(&format!("cannot restart service \"{service}\": {}", with_causes(&error)));
                Ok(())
            }
        }
    }

    /// Runs a command in the containers of a service.
    pub(super) async fn exec(&self, service: &ServiceName, hook: &Hook) -> Result<(), CliError> {
        for (record, _) in self.running(service)? {
            let directory = self.context.layout.project(&self.project.name).container(&record.id).run().to_owned();
            let process = runtime::first_process(&directory)?.unwrap_or_default();
            let mut said = Vec::new();
            let options = hook_options(&record, process, hook);
            let code = runtime::watch(&directory, &options, |bytes| said.extend_from_slice(bytes)).await;
            let name = label(&self.project.name, record.name.as_str());
            let lines: String =
                String::from_utf8_lossy(&said).lines().map(|line| format!("{name} -> | {line}\n")).collect();
            output::print(&lines)?;
            match code {
                Ok(0) => {}
                Ok(code) => self.warn(&format!("the command of `watch` exited with status {code} in {}", record.name)),
                Err(error) => {
                    self.warn(&format!(
                        "cannot run the command of `watch` in {}: {}",
                        record.name,
                        with_causes(&error)
                    ));
                }
            }
        }
        Ok(())
    }
}

fn handle_is_gone(handle: &Handle) -> bool {
    handle.files().is_err()
}

/// What went wrong, in a line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
