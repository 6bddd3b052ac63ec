//! Commits of git repositories. They are served from a directory here, which users have to allow.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{User, names};
use crate::registry::{Behaviour, Content, Registry};

/// A bare repository that a test fills.
struct Repository {
    directory: tempfile::TempDir,
}

impl Repository {
    fn new() -> Self {
        let repository = Self { directory: tempfile::tempdir().unwrap() };
        repository.git(&["init", "--quiet", "--initial-branch=main", "work"], Path::new("."));
        repository.git(&["init", "--quiet", "--bare", "--initial-branch=main", "shop.git"], Path::new("."));
        repository
    }

    /// Runs git in `below` of the directory; what it says.
    #[track_caller]
    fn git(&self, arguments: &[&str], below: &Path) -> String {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=Test", "-c", "user.email=test@example.com"]).args(arguments);
        command.current_dir(self.directory.path().join(below)).env_clear();
        let output = command.env("PATH", "/usr/local/bin:/usr/bin:/bin").output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// The work tree, for files that are no text.
    fn work(&self) -> PathBuf {
        self.directory.path().join("work")
    }

    fn file(&self, name: &str, text: &str) -> &Self {
        let path = self.work().join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
        self
    }

    /// Commits everything to a branch; the id.
    #[track_caller]
    fn commit(&self, branch: &str) -> String {
        self.git(&["checkout", "--quiet", "-B", branch], Path::new("work"));
        self.git(&["add", "--all"], Path::new("work"));
        self.git(&["commit", "--quiet", "--allow-empty", "--message=test"], Path::new("work"));
        self.push(&format!("refs/heads/{branch}"));
        self.git(&["rev-parse", "HEAD"], Path::new("work"))
    }

    fn push(&self, reference: &str) {
        self.git(&["push", "--quiet", "--force", "../shop.git", reference], Path::new("work"));
    }

    fn url(&self) -> String {
        format!("file://{}", self.directory.path().join("shop.git").display())
    }

    /// What is told of a failure, with `URL` for this repository.
    #[track_caller]
    fn failure(&self, user: &User, rest: &str) -> String {
        user.failure(&format!("{}{rest}", self.url())).replace(&self.url(), "URL")
    }
}

/// A user who allows git to read directories.
fn user() -> User {
    User::new().with("GIT_ALLOW_PROTOCOL", "https:file")
}

#[test]
fn a_commit_is_fetched_once() {
    let (repository, user) = (Repository::new(), user());
    let commit = repository.file("compose.yaml", "services: {}\n").file("web/index.html", "hello").commit("main");
    let fetched = user.fetch(&repository.url()).unwrap();
    assert!(fetched.root.ends_with(format!(".cache/rcompose/git/{commit}")));
    assert_eq!(fetched.file, fetched.root.join("compose.yaml"));
    assert_eq!(fs_err::read_to_string(fetched.root.join("web/index.html")).unwrap(), "hello");
    assert_eq!(names(&fetched.root), ["compose.yaml", "web"], "neither history nor repository");
    assert_eq!(user.list("staging"), [""; 0]);

    // What is there is used as it is: by its id even without the repository.
    fs_err::write(fetched.root.join("mark"), "").unwrap();
    assert_eq!(user.fetch(&repository.url()).unwrap(), fetched);
    let reference = format!("{}#{commit}", repository.url());
    drop(repository);
    assert_eq!(user.fetch(&reference).unwrap(), fetched);
    assert!(fetched.root.join("mark").exists());
}

#[test]
fn refs() {
    let (repository, user) = (Repository::new(), user());
    // Its name ends as that of the other branch, and comes first in the list of refs.
    let feature = repository.file("compose.yaml", "name: feature\n").commit("feature/v1");
    let v1 = repository.file("compose.yaml", "name: v1\n").commit("v1");
    let main = repository.file("compose.yaml", "name: main\n").commit("main");
    repository.git(&["tag", "--annotate", "--message=x", "v2", &feature], Path::new("work"));
    repository.git(&["tag", "v1", &main], Path::new("work"));
    for tag in ["v1", "v2"] {
        repository.push(&format!("refs/tags/{tag}"));
    }
    for (reference, commit) in [
        ("", &main),
        ("#HEAD", &main),
        ("#main", &main),
        // The branch before the tag.
        ("#v1", &v1),
        ("#refs/tags/v1", &main),
        ("?tag=v1", &main),
        ("?branch=v1", &v1),
        ("#heads/v1", &v1),
        ("#feature/v1", &feature),
        // The commit, not the tag.
        ("#v2", &feature),
        ("?tag=v2", &feature),
        (&format!("#{v1}"), &v1),
        (&format!("?ref=main&commit={}", &main[..8]), &main),
        (&format!("?commit={main}"), &main),
    ] {
        let fetched = user.fetch(&format!("{}{reference}", repository.url())).unwrap();
        assert!(fetched.root.ends_with(commit), "{reference}: {fetched:?}");
    }
    let failure = |rest: &str| repository.failure(&user, rest);
    insta::assert_snapshot!(failure("#v3"), @"
    cannot fetch `URL#v3`: the repository has no branch or tag `v3`
    name a branch, a tag, or a commit by all digits of its id
    ");
    let wrong = failure(&format!("?ref=main&commit={v1}"));
    insta::assert_snapshot!(wrong.replace(&main, "MAIN").replace(&v1, "V1"), @"cannot fetch `URL?ref=main&commit=V1`: `main` is at commit MAIN, not at V1");
    // The two ends of the connection speak in any order.
    let unknown = failure(&format!("#{}", "0".repeat(40)));
    assert!(unknown.starts_with("cannot fetch `URL#00000000"), "{unknown}");
    assert!(unknown.contains("git upload-pack: not our ref 00000000"), "{unknown}");
}

#[test]
fn places_in_a_commit() {
    let (repository, user) = (Repository::new(), user());
    let commit = repository
        .file("one/docker-compose.yml", "")
        .file("one/compose.yml", "")
        .file("two/deep/stack.yaml", "")
        .file("three/readme", "")
        .commit("main");
    for (rest, file) in [
        ("#:one", "one/compose.yml"),
        ("#main:two/deep/stack.yaml", "two/deep/stack.yaml"),
        ("?subdir=two/../one", "one/compose.yml"),
    ] {
        let fetched = user.fetch(&format!("{}{rest}", repository.url())).unwrap();
        assert_eq!(fetched.file, fetched.root.join(file));
    }
    let failure = |rest: &str| repository.failure(&user, rest).replace(&commit, "COMMIT");
    insta::assert_snapshot!(failure("#:three"), @"cannot fetch `URL#:three`: there is no compose file in `three` of commit COMMIT");
    insta::assert_snapshot!(failure("#:four"), @"cannot fetch `URL#:four`: there is no `four` in commit COMMIT");
}

#[test]
fn links_stay_in_the_commit() {
    let (repository, user) = (Repository::new(), user());
    repository.file("real/compose.yaml", "services: {}\n").file("out/readme", "");
    for (target, link) in [("real", "inside"), ("/etc", "outside"), ("../..", "above")] {
        std::os::unix::fs::symlink(target, repository.work().join(link)).unwrap();
    }
    std::os::unix::fs::symlink("/etc/passwd", repository.work().join("out/compose.yaml")).unwrap();
    let commit = repository.commit("main");
    let fetched = user.fetch(&format!("{}#:inside", repository.url())).unwrap();
    assert_eq!(fetched.file, fetched.root.join("inside/compose.yaml"));
    let failure = |rest: &str| repository.failure(&user, rest).replace(&commit, "COMMIT");
    insta::assert_snapshot!(failure("#:outside"), @"cannot fetch `URL#:outside`: `outside` of commit COMMIT is a link out of the repository");
    insta::assert_snapshot!(failure("#:outside/passwd"), @"cannot fetch `URL#:outside/passwd`: `outside/passwd` of commit COMMIT is a link out of the repository");
    insta::assert_snapshot!(failure("#:above"), @"cannot fetch `URL#:above`: `above` of commit COMMIT is a link out of the repository");
    insta::assert_snapshot!(failure("#:out"), @"cannot fetch `URL#:out`: `out/compose.yaml` of commit COMMIT is a link out of the repository");
}

#[test]
fn a_repository_runs_nothing() {
    let (repository, user) = (Repository::new(), user());
    let mark = repository.directory.path().join("mark");
    let hook = format!("#!/bin/sh\ntouch {}\n", mark.display());
    // Whatever a user's templates bring, and whatever the commit says of submodules.
    let user = user.with("GIT_TEMPLATE_DIR", repository.work().to_str().unwrap());
    repository.file("hooks/post-checkout", &hook).file("hooks/reference-transaction", &hook);
    repository.file(".gitmodules", "[submodule \"x\"]\npath = x\nurl = ext::sh -c 'touch mark'\n");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs_err::set_permissions(repository.work().join("hooks/post-checkout"), executable).unwrap();
    repository.file("compose.yaml", "services: {}\n").commit("main");
    // As in a hook of another repository.
    let user = user.with("GIT_DIR", "/nowhere").with("GIT_WORK_TREE", "/nowhere").with("GIT_INDEX_FILE", "/nowhere");
    user.fetch(&repository.url()).unwrap();
    assert!(!mark.exists());
}

#[test]
fn protocols_are_allowed_by_hand() {
    insta::assert_snapshot!(User::new().failure("file:///srv/shop.git"), @"
    cannot fetch `file:///srv/shop.git`: `file` is not among the protocols that git may use here: https, ssh, git
    use https or ssh, or allow it for this command: GIT_ALLOW_PROTOCOL=https:ssh:git:file
    ");
    insta::assert_snapshot!(User::new().failure("http://example.com/shop.git"), @"
    cannot fetch `http://example.com/shop.git`: `http` is not among the protocols that git may use here: https, ssh, git
    use https or ssh, or allow it for this command: GIT_ALLOW_PROTOCOL=https:ssh:git:http
    ");
}

#[test]
fn git_is_missing() {
    insta::assert_snapshot!(User::new().with("PATH", "/nowhere").failure("https://127.0.0.1:1/shop.git"), @"
    cannot fetch `https://127.0.0.1:1/shop.git`: the program `git` is missing
    install git: repositories are fetched with it
    ");
}

#[test]
fn nobody_answers() {
    let text = User::new().failure("https://me:secret@127.0.0.1:1/shop.git");
    assert!(!text.contains("secret"), "{text}");
    assert!(
        text.starts_with("cannot fetch `https://***@127.0.0.1:1/shop.git`: `git ls-remote` failed: fatal: "),
        "{text}"
    );
}

#[test]
fn what_a_killed_command_left_is_removed() {
    let (repository, user) = (Repository::new(), user());
    repository.file("compose.yaml", "").commit("main");
    let left = user.directory.path().join(".cache/rcompose/staging/left");
    fs_err::create_dir_all(left.join("files")).unwrap();
    user.fetch(&repository.url()).unwrap();
    assert!(!left.exists());
}

#[test]
fn commands_at_the_same_time() {
    let (repository, user) = (Repository::new(), user());
    let commit = repository.file("compose.yaml", "").commit("main");
    std::thread::scope(|scope| {
        let fetch = || user.fetch(&repository.url()).unwrap().root;
        let roots: Vec<_> = {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(fetch)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        };
        assert!(roots.iter().all(|root| root.ends_with(&commit)));
    });
    assert_eq!((user.list("git"), user.list("staging")), (vec![commit], Vec::new()));
}

#[test]
fn a_password_is_wanted() {
    let behaviour = Behaviour { login: Some("Basic bWU6c2VjcmV0"), ..Behaviour::default() };
    let registry = Registry::start(Content::default(), behaviour);
    let user = User::new().with("GIT_ALLOW_PROTOCOL", "http");
    let text = user.failure(&format!("http://{}/shop.git", registry.host()));
    insta::assert_snapshot!(text.replace(&registry.host(), "HOST"), @"
    cannot fetch `http://HOST/shop.git`: `git ls-remote` failed: fatal: could not read Username for 'http://HOST': terminal prompts disabled
    git asks for no password here: set up a credential helper or an SSH agent
    ");
}
