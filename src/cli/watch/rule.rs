//! What a change of a file leads to: one of `develop.watch`, with everything that decides which files it is about.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::WatchError;
use super::pattern::Patterns;
use crate::compose::model::{Build, Hook, Mount, Service, WatchAction, WatchRule};
use crate::name::ServiceName;

/// What editors and tools put beside the files that they write, and the insides of repositories: as with docker compose.
const NEVER: [&str; 15] = [
    "**/.git",
    "**/.idea",
    "**/*___jb_old___",
    "**/*___jb_tmp___",
    "**/.*.swp",
    "**/.*.swo",
    "**/.*.swn",
    "**/.*.swx",
    "**/*~",
    "**/4913",
    "**/.#*",
    "**/#*#",
    "**/.*.kate-swp",
    "**/*-go-tmp-umask",
    "**/.DS_Store",
];

/// A rule.
#[derive(Debug)]
pub(super) struct Rule {
    /// The service whose containers are changed.
    pub(super) service: ServiceName,
    /// Whether files are copied into them, and where the file or directory that is watched is there.
    pub(super) target: Option<PathBuf>,
    /// Whether their image is built again, and they are made anew from it.
    pub(super) rebuild: bool,
    /// Whether they are restarted.
    pub(super) restart: bool,
    /// What is run in them.
    pub(super) exec: Option<Hook>,
    /// Whether they are made the same at the beginning.
    pub(super) initial: bool,
    /// The file or directory of the host.
    pub(super) root: PathBuf,
    /// What is not looked at, each below a directory.
    ignored: Vec<(PathBuf, Patterns)>,
    /// What alone matters below `root`.
    included: Option<Patterns>,
}

/// What has become of files.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// Files and directories that are new or other than before.
    pub(super) changed: BTreeSet<PathBuf>,
    /// Those that are gone, with all that was in them.
    pub(super) removed: BTreeSet<PathBuf>,
}

impl Changes {
    /// How many.
    pub(super) fn len(&self) -> usize {
        self.changed.len() + self.removed.len()
    }
}

impl Rule {
    /// As the file says.
    ///
    /// # Errors
    /// [`WatchError::Rebuild`], [`WatchError::Pattern`], [`WatchError::Ignored`].
    pub(super) fn new(service: &ServiceName, config: &Service, rule: &WatchRule) -> Result<Self, WatchError> {
        let action = rule.action.unwrap_or(WatchAction::Rebuild);
        if action == WatchAction::Rebuild && config.build.is_none() {
            return Err(WatchError::Rebuild { service: service.clone() });
        }
        let root = PathBuf::from(rule.path.trim_end_matches('/'));
        let place = |what: &str| format!("`{what}` of service `{service}`");
        let compiled = |texts: &[String], what: &str| {
            // As absolute paths, they may name what is in the root.
            let root = format!("{}/", root.display());
            let texts = texts.iter().map(|text| text.strip_prefix(&root).unwrap_or(text));
            Patterns::new(texts).map_err(|pattern| WatchError::Pattern { pattern, place: place(what) })
        };
        let mut ignored = vec![(root.clone(), compiled(&rule.ignore, "ignore")?)];
        ignored.push((root.clone(), compiled(&NEVER.map(str::to_owned), "what is always ignored")?));
        ignored.extend(config.build.as_ref().map(dockerignore).transpose()?.flatten());
        ignored.retain(|(_, patterns)| !patterns.is_empty());
        let included = Some(compiled(&rule.include, "include")?).filter(|patterns| !patterns.is_empty());
        let target = rule.target.as_deref().filter(|_| !matches!(action, WatchAction::Restart | WatchAction::Rebuild));
        Ok(Self {
            service: service.clone(),
            target: target.map(|target| in_container(target, &root)),
            rebuild: action == WatchAction::Rebuild,
            restart: matches!(action, WatchAction::Restart | WatchAction::SyncRestart),
            exec: rule.exec.clone().filter(|_| action == WatchAction::SyncExec),
            initial: rule.initial_sync,
            root,
            ignored,
            included,
        })
    }

    /// The directory of the host, mounted in the containers of `config`, in which what would be copied lies already.
    pub(super) fn mounted(&self, config: &Service) -> Option<PathBuf> {
        self.target.as_ref()?;
        config.volumes.iter().find_map(|mount| match mount {
            Mount::Bind { source, .. } if self.root.starts_with(source) => Some(source.clone()),
            _ => None,
        })
    }

    /// Whether `path` is not looked at.
    pub(super) fn ignores(&self, path: &Path) -> bool {
        self.ignored.iter().any(|(base, patterns)| path.strip_prefix(base).is_ok_and(|path| patterns.match_path(path)))
    }

    /// Whether something in the directory `path` may be looked at.
    pub(super) fn enters(&self, path: &Path) -> bool {
        let all = |(base, patterns): &(PathBuf, Patterns)| {
            path.strip_prefix(base).is_ok_and(|path| patterns.match_all_below(path))
        };
        path.starts_with(&self.root) && !self.ignored.iter().any(all)
    }

    /// Whether `path` is looked at.
    pub(super) fn sees(&self, path: &Path) -> bool {
        path.starts_with(&self.root) && !self.ignores(path)
    }

    /// Whether a change of `path` matters.
    pub(super) fn selects(&self, path: &Path) -> bool {
        let is_included = |patterns: &Patterns| {
            path.strip_prefix(&self.root).is_ok_and(|path| path.as_os_str().is_empty() || patterns.match_path(path))
        };
        self.sees(path) && self.included.as_ref().is_none_or(is_included)
    }

    /// What of `changes` matters.
    pub(super) fn of(&self, changes: &Changes) -> Changes {
        let select = |paths: &BTreeSet<PathBuf>| paths.iter().filter(|path| self.selects(path)).cloned().collect();
        let mut selected = Changes { changed: select(&changes.changed), removed: select(&changes.removed) };
        if self.included.is_none() {
            // With a directory goes all that is in it.
            let all = selected.removed.clone();
            selected.removed.retain(|path| path.parent().is_none_or(|parent| !all.contains(parent)));
        } else {
            // Directories come with the files that matter; on their own they do not.
            selected.changed.remove(&self.root);
        }
        selected
    }

    /// Where `path` is in the containers; nowhere if nothing is copied.
    pub(super) fn place(&self, path: &Path) -> Option<PathBuf> {
        let (target, below) = (self.target.as_ref()?, path.strip_prefix(&self.root).ok()?);
        // Joining nothing would leave a slash at the end.
        Some(if below.as_os_str().is_empty() { target.clone() } else { target.join(below) })
    }

    /// Which file of the host is at `path` in the containers.
    pub(super) fn origin(&self, path: &Path) -> Option<PathBuf> {
        Some(self.root.join(path.strip_prefix(self.target.as_ref()?).ok()?))
    }
}

/// A target that ends as a directory has the file in it.
fn in_container(target: &str, root: &Path) -> PathBuf {
    match root.file_name() {
        Some(name) if target.ends_with('/') && root.is_file() => Path::new(target).join(name),
        _ => PathBuf::from(if target == "/" { target } else { target.trim_end_matches('/') }),
    }
}

/// What the build of the image leaves out, and below which directory: the list beside the Dockerfile goes first.
fn dockerignore(build: &Build) -> Result<Option<(PathBuf, Patterns)>, WatchError> {
    let Some(context) = build.context.as_deref().map(Path::new).filter(|context| context.is_absolute()) else {
        return Ok(None);
    };
    let dockerfile = context.join(build.dockerfile.as_deref().unwrap_or("Dockerfile"));
    let mut own = dockerfile.into_os_string();
    own.push(".dockerignore");
    for path in [PathBuf::from(own), context.join(".dockerignore")] {
        let text = match fs_err::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            text => text.map_err(WatchError::Ignored)?,
        };
        let place = format!("`{}`", path.display());
        let patterns = Patterns::of_file(&text).map_err(|pattern| WatchError::Pattern { pattern, place })?;
        return Ok(Some((context.to_owned(), patterns)));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::ImageReference;

    fn rule(config: &WatchRule) -> Rule {
        Rule::new(&ServiceName::new("web").unwrap(), &Service::new(ImageReference::parse("web").unwrap()), config)
            .unwrap()
    }

    fn config(action: WatchAction) -> WatchRule {
        WatchRule {
            path: "/p".to_owned(),
            action: Some(action),
            target: Some("/app".to_owned()),
            ..WatchRule::default()
        }
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn which_files_a_rule_is_about() {
        for (include, ignore, path, selected) in [
            (&[][..], &[][..], "/p/a", true),
            (&[], &[], "/p", true),
            (&[], &[], "/pa", false),
            (&[], &[], "/q/a", false),
            (&[], &["a"], "/p/a/b", false),
            (&[], &["/p/a"], "/p/a/b", false),
            (&[], &["*.tmp", "!keep.tmp"], "/p/keep.tmp", true),
            (&["*.py"], &[], "/p/a.py", true),
            (&["*.py"], &[], "/p/a.txt", false),
            (&["src"], &[], "/p/src/deep/a", true),
            (&["**/*.py"], &["src"], "/p/src/a.py", false),
            (&[], &[], "/p/.git/HEAD", false),
            (&[], &[], "/p/sub/.git", false),
            (&[], &[], "/p/.gitignore", true),
            (&[], &["!.git"], "/p/.git/HEAD", false),
            (&[], &[], "/p/.a.txt.swp", false),
            (&[], &[], "/p/a.txt~", false),
            (&[], &[], "/p/4913", false),
            (&[], &[], "/p/#a#", false),
            (&[], &[], "/p/.#a", false),
            (&[], &[], "/p/a___jb_tmp___", false),
            (&[], &[], "/p/.idea/workspace.xml", false),
            (&[], &[], "/p/.a.kate-swp", false),
        ] {
            let rule = rule(&WatchRule { include: texts(include), ignore: texts(ignore), ..config(WatchAction::Sync) });
            assert_eq!(rule.selects(Path::new(path)), selected, "{include:?} {ignore:?} {path}");
        }
    }

    #[test]
    fn which_directories_are_entered() {
        let rule = rule(&WatchRule {
            ignore: texts(&["node_modules", "dist", "!dist/keep"]),
            include: texts(&["*.py"]),
            ..config(WatchAction::Sync)
        });
        for (path, entered) in [
            ("/p", true),
            ("/p/src", true),
            ("/p/node_modules", false),
            ("/p/node_modules/deep", false),
            ("/p/dist", true),
            ("/p/dist/other", false),
            ("/p/dist/keep", true),
            ("/p/.git", false),
            ("/", false),
        ] {
            assert_eq!(rule.enters(Path::new(path)), entered, "{path}");
        }
    }

    #[test]
    fn what_an_action_does() {
        for (action, copies, restarts, runs) in [
            (WatchAction::Sync, true, false, false),
            (WatchAction::Restart, false, true, false),
            (WatchAction::SyncRestart, true, true, false),
            (WatchAction::SyncExec, true, false, true),
        ] {
            let rule = rule(&WatchRule { exec: Some(Hook::default()), ..config(action) });
            let does = (rule.target.is_some(), rule.restart, rule.exec.is_some());
            assert_eq!(does, (copies, restarts, runs), "{action:?}");
        }
        let refused = Rule::new(
            &ServiceName::new("web").unwrap(),
            &Service::new(ImageReference::parse("web").unwrap()),
            &WatchRule { action: Some(WatchAction::Rebuild), ..WatchRule::default() },
        );
        assert!(refused.unwrap_err().to_string().contains("`rebuild` needs `build`"));
    }

    #[test]
    fn where_files_are_in_containers() {
        for (target, path, place) in [
            ("/app", "/p/a/b", Some("/app/a/b")),
            ("/app/", "/p/a", Some("/app/a")),
            ("/app", "/p", Some("/app")),
            ("/", "/p/a", Some("/a")),
            ("/app", "/q", None),
        ] {
            let rule = rule(&WatchRule { target: Some(target.to_owned()), ..config(WatchAction::Sync) });
            let placed = rule.place(Path::new(path));
            assert_eq!(placed.as_deref(), place.map(Path::new), "{target} {path}");
            if let Some(placed) = placed {
                assert_eq!(rule.origin(&placed).as_deref(), Some(Path::new(path)));
            }
        }
    }

    #[test]
    fn what_of_the_changes_matters() {
        let paths = |texts: &[&str]| texts.iter().map(PathBuf::from).collect::<BTreeSet<_>>();
        let changes = Changes {
            changed: paths(&["/p", "/p/a.py", "/p/b.txt", "/q"]),
            removed: paths(&["/p/d", "/p/d/e", "/p/d/e/f.py", "/p/g.txt"]),
        };
        assert_eq!(
            rule(&config(WatchAction::Sync)).of(&changes),
            Changes { changed: paths(&["/p", "/p/a.py", "/p/b.txt"]), removed: paths(&["/p/d", "/p/g.txt"]) }
        );
        let python = rule(&WatchRule { include: texts(&["**/*.py"]), ..config(WatchAction::Sync) });
        assert_eq!(python.of(&changes), Changes { changed: paths(&["/p/a.py"]), removed: paths(&["/p/d/e/f.py"]) });
    }

    #[test]
    fn what_the_build_leaves_out() {
        let directory = tempfile::tempdir().unwrap();
        let context = directory.path();
        let service = Service {
            build: Some(Build {
                context: Some(context.to_str().unwrap().to_owned()),
                dockerfile: Some("web.Dockerfile".to_owned()),
                ..Build::default()
            }),
            ..Service::new(ImageReference::parse("web").unwrap())
        };
        let config = WatchRule { path: format!("{}/src", context.display()), ..config(WatchAction::Sync) };
        let rule = || Rule::new(&ServiceName::new("web").unwrap(), &service, &config).unwrap();
        let path = context.join("src/a.log");
        assert!(rule().selects(&path));
        fs_err::write(context.join(".dockerignore"), "# logs\n**/*.log\n").unwrap();
        assert!(!rule().selects(&path));
        fs_err::write(context.join("web.Dockerfile.dockerignore"), "src/b\n").unwrap();
        assert!(rule().selects(&path), "its own list replaces the general one");
        assert!(!rule().selects(&context.join("src/b/c")) && !rule().enters(&context.join("src/b")));
    }
}
