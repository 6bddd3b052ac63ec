//! One file, or several of one scope, to one canonical tree: everything that is done before files meet.
//!
//! ```text
//! parse ─▶ interpolate ─▶ check ─▶ canonical ─▶ extends ─▶ include ─▶ merge ─▶ defaults ─▶ paths
//! ```

use std::io;
use std::path::{Path, PathBuf};

use super::check::Check;
use super::diagnostic::DiagnosticKind;
use super::node::{Node, Value};
use super::paths::Base;
use super::place::Place;
use super::report::{Origin, Report, SourceId};
use super::schema::{PROJECT, Shape};
use super::variables::Variables;
use super::{
    Files, LoadError, LoadOptions, canonical, defaults, extends, history, include, interpolate, lint, locate, merge,
    normalise, paths, remote, yaml,
};

/// How long a chain of files or services may be that lead from one to the next.
const MOST_DEEP: usize = 32;
/// How many files a project may include, those counted again that are included again.
const MOST_FILES: usize = 500;

/// What the files of one project, or of one `include`, have in common.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    /// Where relative paths begin; absolute.
    pub(super) directory: PathBuf,
    /// What templates see.
    pub(super) variables: Variables,
}

/// Reads files, each in the scope it belongs to.
#[derive(Clone, Copy)]
pub(super) struct Loader<'a> {
    pub(super) options: &'a LoadOptions,
    pub(super) files: &'a dyn Files,
    pub(super) report: &'a Report,
}

/// A file that is read and parsed, and not looked into.
#[derive(Debug, Clone)]
pub(super) struct Parsed {
    pub(super) path: PathBuf,
    pub(super) source: SourceId,
    /// None when it is not YAML.
    pub(super) documents: Option<Vec<Node>>,
}

impl Loader<'_> {
    /// Where the file lies that `node` names, fetched when it is remote; a mistake when it cannot be had.
    pub(super) fn named_file(&self, node: &Node, text: &str, directory: &Path) -> Option<PathBuf> {
        match remote::localize(text, self.files) {
            Ok(Some(fetched)) => Some(fetched.file),
            Ok(None) => Some(locate::absolute(directory, Path::new(text))),
            Err(error) => {
                self.report.error(node.origin, DiagnosticKind::Unreadable(error.in_one_line()));
                None
            }
        }
    }

    /// [`Self::parse`] for a file that another one names at `at`; a mistake there when it cannot be read.
    pub(super) fn parse_named(&self, path: &Path, at: Origin) -> Option<Parsed> {
        self.parse(path).map_err(|error| self.unreadable(path, &error, at)).ok()
    }

    pub(super) fn unreadable(&self, path: &Path, error: &io::Error, at: Origin) {
        let text = format!("cannot read `{}`: {error}", path.display());
        self.report.error(at, DiagnosticKind::Unreadable(text));
    }

    /// Reads and parses a file; no documents when it is not YAML.
    pub(super) fn parse(&self, path: &Path) -> io::Result<Parsed> {
        let text = self.files.read(path)?;
        let source = self.report.add_source(locate::display_name(path, &self.options.working_dir), text);
        Ok(Parsed { path: path.to_owned(), source, documents: yaml::parse(self.report, source) })
    }

    /// Whether a chain of files or services may go on after `depth` of them; a mistake at `at` when not.
    pub(super) fn may_go_on(&self, depth: usize, at: Origin) -> bool {
        self.within(depth <= MOST_DEEP, "they lead from one to the next more than 32 times", at)
    }

    /// Whether one more file may be included; a mistake at `at` when not.
    pub(super) fn may_include(&self, at: Origin) -> bool {
        self.within(self.report.count_include() <= MOST_FILES, "there are more than 500", at)
    }

    fn within(&self, limit: bool, reason: &'static str, at: Origin) -> bool {
        if !limit {
            self.report.error(at, DiagnosticKind::TooManyFiles(reason));
        }
        limit
    }

    /// Merges files in order. `including` are the files whose `include` led here.
    pub(super) fn merged(
        &self,
        files: Vec<Parsed>,
        scope: &Scope,
        including: &[PathBuf],
    ) -> Result<Option<Node>, LoadError> {
        let mut tree = None;
        for Parsed { path, documents, .. } in files {
            let including: Vec<PathBuf> = including.iter().cloned().chain([path.clone()]).collect();
            for mut document in documents.into_iter().flatten() {
                // There is nothing below a file that its root could reset or override.
                document.tag = None;
                self.prepare(&mut document, scope);
                extends::extends(self, &mut document, &path, scope);
                document = include::include(self, document, scope, &including)?;
                tree = merge::merge(tree, document, self.report);
                if let Some(tree) = &mut tree {
                    canonical::merged(tree, self.report);
                }
            }
        }
        if let Some(tree) = &mut tree {
            defaults::defaults(tree);
            if self.options.resolve_paths() {
                paths::resolve(tree, self.base(&scope.directory, scope));
            }
        }
        Ok(tree)
    }

    /// What needs no other file.
    fn prepare(&self, document: &mut Node, scope: &Scope) {
        let root = Origin { end: document.origin.start, ..document.origin };
        if !matches!(document.value, Value::Mapping(_)) {
            let kind = DiagnosticKind::WrongType {
                what: "the compose file".to_owned(),
                expected: "a mapping".to_owned(),
                found: document.found(),
            };
            self.report.error(document.origin, kind);
            document.value = Value::Invalid;
            return;
        }
        lint::document(document, self.options, self.report);
        self.interpolate(document, scope);
        self.check().node(document, &Shape::Object(&PROJECT), &Place::ROOT, root);
        self.warn_of_version(document);
        canonical::canonical(document, self.report);
        lint::canonical(document, self.report);
        if let Some(services) = document.get_mut("services").and_then(Node::entries_mut) {
            for service in services.values_mut() {
                if let Some(variables) = service.value.get_mut("environment") {
                    normalise::inherit(variables, &scope.variables, self.report);
                }
            }
        }
    }

    /// [`Self::prepare`] for one service of a file of which nothing else is wanted.
    pub(super) fn prepare_service(&self, service: &mut Node, name: &str, at: Origin, directory: &Path, scope: &Scope) {
        lint::service(name, service, self.options, self.report);
        self.interpolate(service, scope);
        let services = Place::ROOT.below("services");
        self.check().node(service, &Shape::Object(&super::schema::SERVICE), &services.below(name), at);
        canonical::canonical_service(service, self.report);
        if self.options.resolve_paths() {
            paths::resolve_service(service, self.base(directory, scope));
        }
    }

    fn base<'a>(&'a self, directory: &'a Path, scope: &'a Scope) -> Base<'a> {
        let home = scope.variables.get("HOME").filter(|home| !home.is_empty());
        Base { directory, home, files: self.files }
    }

    fn interpolate(&self, node: &mut Node, scope: &Scope) {
        if self.report.traces() {
            history::note_templates(node, &scope.variables, self.report);
        }
        if !self.report.templates() {
            interpolate::interpolate(node, &|name| scope.variables.get(name).map(str::to_owned), self.report);
        }
    }

    fn check(&self) -> Check<'_> {
        Check { report: self.report }
    }

    fn warn_of_version(&self, document: &mut Node) {
        if let Some(entry) = document.entries_mut().and_then(|entries| entries.remove("version")) {
            self.report.warning(entry.value.origin, DiagnosticKind::ObsoleteVersion);
        }
    }
}
