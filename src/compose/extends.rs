//! `extends`: a service over another one, of the same file or of another, by the rules that merge files.

use std::path::{Path, PathBuf};

use super::diagnostic::DiagnosticKind;
use super::load_file::{Loader, Scope};
use super::node::{Entry, Mapping, Node, Value};
use super::report::Origin;
use super::{canonical, merge};
use crate::text;

/// Replaces each service of a prepared document that extends another one by the two merged.
pub(super) fn extends(loader: &Loader<'_>, document: &mut Node, path: &Path, scope: &Scope) {
    let Some(services) = document.get_mut("services").and_then(Node::entries_mut) else { return };
    let extending: Vec<String> = services
        .iter()
        .filter(|(_, entry)| entry.value.get("extends").is_some())
        .map(|(name, _)| name.clone())
        .collect();
    let mut file = File { path, directory: &scope.directory, services, prepared: true };
    for name in extending {
        let mut chain = Vec::new();
        if let Some(service) = resolve(loader, &mut file, &name, scope, &mut chain)
            && let Some(entry) = file.services.get_mut(&name)
        {
            entry.value = service;
        }
    }
}

/// The services of a file, in which bases are looked for.
struct File<'a> {
    path: &'a Path,
    /// Where the paths of `extends.file` in it begin.
    directory: &'a Path,
    services: &'a mut Mapping,
    /// Whether its services have been through the phases before this one.
    prepared: bool,
}

/// A step of a chain: which service of which file, and where it says whom it extends.
struct Link {
    path: PathBuf,
    service: String,
    at: Origin,
}

/// The service `name` of `file` with what it extends merged below it; `None` when a mistake is reported.
fn resolve(loader: &Loader<'_>, file: &mut File<'_>, name: &str, scope: &Scope, chain: &mut Vec<Link>) -> Option<Node> {
    let Entry { key, value } = file.services.get(name)?;
    let (key, mut service) = (*key, value.clone());
    if !file.prepared {
        loader.prepare_service(&mut service, name, key, file.directory, scope);
    }
    let Some(Entry { value: target, .. }) = service.entries_mut().and_then(|entries| entries.remove("extends")) else {
        return Some(service);
    };
    // That it lacks a service is said when all files are complete.
    let reference = target.get("service")?;
    let base_name = reference.text()?;
    let link = Link { path: file.path.to_owned(), service: name.to_owned(), at: reference.origin };
    if let Some(start) = chain.iter().position(|known| known.service == link.service && known.path == link.path) {
        let names = chain[start..].iter().map(|link| link.service.clone()).chain([name.to_owned()]).collect();
        loader.report.error(chain[start].at, DiagnosticKind::ExtendsCycle(names));
        // Whoever comes upon the same circle at another service of it says nothing more.
        for link in chain[start..].iter().filter(|link| link.path == file.path) {
            if let Some(entry) = file.services.get_mut(&link.service) {
                entry.value.value = Value::Invalid;
            }
        }
        return None;
    }
    if !loader.may_go_on(chain.len(), reference.origin) {
        return None;
    }
    chain.push(link);
    let base = match target.get("file") {
        None => own_base(loader, file, name, base_name, reference.origin, scope, chain),
        Some(node) => foreign_base(loader, file, name, base_name, node, reference.origin, scope, chain),
    };
    chain.pop();
    // Without its base the service is still worth looking at: it has mistakes of its own.
    let merged = base.map(|base| merge::merge_service(base, service, loader.report));
    // Whoever extends this one next finds the work done.
    if let (true, Some(merged), Some(entry)) = (file.prepared, &merged, file.services.get_mut(name)) {
        entry.value = merged.clone();
    }
    merged
}

fn own_base(
    loader: &Loader<'_>,
    file: &mut File<'_>,
    name: &str,
    base: &str,
    at: Origin,
    scope: &Scope,
    chain: &mut Vec<Link>,
) -> Option<Node> {
    if !file.services.contains_key(base) {
        not_found(loader, file.services, name, base, None, at);
        return None;
    }
    resolve(loader, file, base, scope, chain)
}

#[expect(clippy::too_many_arguments, reason = "a file, a service in it, and who asks for it where")]
fn foreign_base(
    loader: &Loader<'_>,
    file: &File<'_>,
    name: &str,
    base: &str,
    node: &Node,
    at: Origin,
    scope: &Scope,
    chain: &mut Vec<Link>,
) -> Option<Node> {
    let text = node.text()?;
    let path = loader.named_file(node, text, file.directory)?;
    let mut parsed = loader.parse_named(&path, node.origin)?;
    loader.report.notes().read_for(parsed.source, at, "extended here");
    let mut services = Mapping::new();
    let several = parsed.documents.as_ref().is_some_and(|documents| documents.len() > 1);
    let directory = path.parent().unwrap_or(Path::new("/"));
    for document in parsed.documents.iter_mut().flatten() {
        for (name, mut entry) in
            document.get_mut("services").and_then(Node::entries_mut).map(std::mem::take).unwrap_or_default()
        {
            // What several documents say of a service is merged in the form that all phases before this one leave.
            if several {
                loader.prepare_service(&mut entry.value, &name, entry.key, directory, scope);
                if let Some(first) = services.remove(&name) {
                    entry.value = merge::merge_service(first.value, entry.value, loader.report);
                }
            }
            services.insert(name, entry);
        }
    }
    if !services.contains_key(base) {
        if parsed.documents.is_some() {
            not_found(loader, &services, name, base, Some(text), at);
        }
        return None;
    }
    let mut file = File { path: &path, directory, services: &mut services, prepared: several };
    let mut base = resolve(loader, &mut file, base, scope, chain);
    if let Some(base) = &mut base {
        canonical::merged_service(base, loader.report);
    }
    base
}

fn not_found(loader: &Loader<'_>, services: &Mapping, name: &str, base: &str, file: Option<&str>, at: Origin) {
    let help = text::did_you_mean(base, services.keys().map(String::as_str));
    let place = file.map(|file| format!(" in `{file}`")).unwrap_or_default();
    let text = format!("service `{name}` extends `{base}`, which is not a service{place}");
    loader.report.error_with_help(at, DiagnosticKind::Missing(text), help);
}
