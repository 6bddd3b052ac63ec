//! What is behind a URL, kept in the cache and asked for again only if it has changed.
//!
//! ```text
//! web/HASH-OF-URL.json     what the server said of it, and which entry it is
//! web-files/ENTRY/NAME     the file: mode 0600, modified when the server says so or else in 1970
//! ```

use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{CONTENT_DISPOSITION, ETAG, HeaderMap, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use reqwest::{Response, StatusCode, Url};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Cache, CacheError};
use crate::image::{Digest, TransportError, WebClient};
use crate::sys::write_atomic;

/// The version of what is kept about a URL; another one is as good as none.
const VERSION: u32 = 1;

/// How long a server has to take a connection, and may be silent.
const CONNECT_TIME: Duration = Duration::from_secs(15);
const IDLE_TIME: Duration = Duration::from_secs(60);

/// What a file is called whose URL has no name in it.
const UNNAMED: &str = "__unnamed__";

/// A file that a URL gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// The directory that holds it and nothing else.
    pub directory: PathBuf,
    /// What it is called.
    pub name: String,
    /// What is in it.
    pub digest: Digest,
    /// When it was changed last, in seconds since 1970, as far as the server says.
    pub modified: Option<i64>,
}

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// The URL is none.
    #[error("`{url}` is no URL")]
    Url {
        /// As it was written, without a password.
        url: String,
    },
    /// No connection, or one that broke or fell silent.
    #[error("cannot fetch `{url}`")]
    Unreachable {
        /// The URL, without a password.
        url: String,
        /// What happened.
        source: TransportError,
    },
    /// The server has no such file, or does not give it.
    #[error("cannot fetch `{url}`: the server answers {status}")]
    Refused {
        /// The URL, without a password.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// The file is another one.
    #[error("`{url}` has digest {actual}, expected {expected}")]
    Checksum {
        /// The URL, without a password.
        url: String,
        /// What was wanted.
        expected: Digest,
        /// What came.
        actual: Digest,
    },
    /// Somebody has asked to stop.
    #[error("the build was stopped")]
    Cancelled,
    /// The cache.
    #[error(transparent)]
    Cache(#[from] CacheError),
}

/// What is kept about a URL.
#[derive(Serialize, Deserialize)]
struct Kept {
    version: u32,
    url: String,
    digest: Digest,
    name: String,
    modified: Option<i64>,
    etag: Option<String>,
    last_modified: Option<String>,
}

/// Whether `text` is the URL of a file, and no path.
#[must_use]
pub fn is_web_address(text: &str) -> bool {
    ["http://", "https://"]
        .iter()
        .any(|scheme| text.get(..scheme.len()).is_some_and(|it| it.eq_ignore_ascii_case(scheme)))
}

/// Fetches what is behind `url`, or takes it from the cache: without asking when it has the `checksum` that is wanted, else
/// when the server says that it is the same.
///
/// # Errors
/// [`WebError`].
pub async fn download(
    url: &str,
    checksum: Option<Digest>,
    cache: &Cache,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Download, WebError> {
    let shown = shown(url);
    let address = Url::parse(url).map_err(|_| WebError::Url { url: shown.clone() })?;
    let about = cache.entry("web", &format!("{}.json", Digest::of(url.as_bytes()).hex()));
    let kept = read(&about, url).filter(|kept| place(cache, kept).join(&kept.name).is_file());
    if let (Some(kept), Some(checksum)) = (&kept, checksum)
        && kept.digest == checksum
    {
        return Ok(found(cache, kept));
    }
    let failed = |source: TransportError| WebError::Unreachable { url: shown.clone(), source };
    let client = WebClient::new(CONNECT_TIME, IDLE_TIME).map_err(failed)?;
    let mut request = client.client().get(address.clone());
    if let Some(kept) = &kept {
        if let Some(etag) = &kept.etag {
            request = request.header(IF_NONE_MATCH, etag);
        } else if let Some(time) = &kept.last_modified {
            request = request.header(IF_MODIFIED_SINCE, time);
        }
    }
    let response = request.send().await.map_err(|error| failed(client.failure(&error)))?;
    let kept = match (response.status(), kept) {
        (StatusCode::NOT_MODIFIED, Some(kept)) => kept,
        (status, _) if status.is_success() => {
            let headers = response.headers().clone();
            let staging = cache.stage()?;
            let file = staging.path().join("file");
            let digest = save(response, &file, cancelled)
                .await
                .map_err(|error| error.told(|error| failed(client.failure(&error))))?;
            if let Some(expected) = checksum.filter(|expected| *expected != digest) {
                return Err(WebError::Checksum { url: shown, expected, actual: digest });
            }
            let kept = describe(url, &address, &headers, digest);
            let made = staging.path().join("entry");
            finish(&file, &made, &kept).map_err(CacheError::from)?;
            staging.commit(&made, &place(cache, &kept))?;
            write(&about, &kept).map_err(CacheError::from)?;
            kept
        }
        (status, _) => return Err(WebError::Refused { url: shown, status: status.as_u16() }),
    };
    match checksum {
        Some(expected) if expected != kept.digest => {
            Err(WebError::Checksum { url: shown, expected, actual: kept.digest })
        }
        _ => Ok(found(cache, &kept)),
    }
}

fn found(cache: &Cache, kept: &Kept) -> Download {
    let directory = place(cache, kept);
    Download { directory, name: kept.name.clone(), digest: kept.digest, modified: kept.modified }
}

/// Where a file is: the same one under another name, or of another time, is another entry.
fn place(cache: &Cache, kept: &Kept) -> PathBuf {
    let text = format!("{} {:?} {}", kept.digest, kept.modified, kept.name);
    cache.entry("web-files", &Digest::of(text.as_bytes()).hex())
}

fn read(about: &Path, url: &str) -> Option<Kept> {
    let kept: Kept = serde_json::from_slice(&fs_err::read(about).ok()?).ok()?;
    (kept.version == VERSION && kept.url == url && is_plain(&kept.name)).then_some(kept)
}

fn write(about: &Path, kept: &Kept) -> io::Result<()> {
    fs_err::create_dir_all(about.parent().unwrap_or(about))?;
    write_atomic(about, &serde_json::to_vec(kept).expect("it has string keys and no failing fields"))
}

/// Why a body was not saved.
enum NotSaved {
    Read(reqwest::Error),
    Write(io::Error),
    Cancelled,
}

impl NotSaved {
    fn told(self, read: impl FnOnce(reqwest::Error) -> WebError) -> WebError {
        match self {
            Self::Read(error) => read(error),
            Self::Write(error) => WebError::Cache(error.into()),
            Self::Cancelled => WebError::Cancelled,
        }
    }
}

async fn save(mut response: Response, path: &Path, cancelled: &(dyn Fn() -> bool + Sync)) -> Result<Digest, NotSaved> {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path).map_err(NotSaved::Write)?;
    let mut sha256 = Sha256::new();
    while let Some(bytes) = response.chunk().await.map_err(NotSaved::Read)? {
        if cancelled() {
            return Err(NotSaved::Cancelled);
        }
        sha256.update(&bytes);
        file.write_all(&bytes).map_err(NotSaved::Write)?;
    }
    Ok(Digest::from(<[u8; 32]>::from(sha256.finalize())))
}

fn finish(file: &Path, entry: &Path, kept: &Kept) -> io::Result<()> {
    fs_err::create_dir(entry)?;
    let seconds = Duration::from_secs(kept.modified.unwrap_or_default().try_into().unwrap_or_default());
    let opened = fs_err::OpenOptions::new().write(true).open(file)?;
    opened.set_modified(std::time::UNIX_EPOCH + seconds)?;
    fs_err::rename(file, entry.join(&kept.name))
}

fn describe(url: &str, address: &Url, headers: &HeaderMap, digest: Digest) -> Kept {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let last_modified = text(LAST_MODIFIED);
    let modified = last_modified.as_deref().and_then(|time| jiff::fmt::rfc2822::parse(time).ok());
    Kept {
        version: VERSION,
        url: url.to_owned(),
        digest,
        name: name(address, text(CONTENT_DISPOSITION).as_deref()),
        modified: modified.map(|time| Timestamp::from(time).as_second()),
        etag: text(ETAG),
        last_modified,
    }
}

/// What the last part of the path says, or else the server.
fn name(address: &Url, disposition: Option<&str>) -> String {
    let last = address.path_segments().and_then(|mut parts| parts.rfind(|part| !part.is_empty()));
    let last = last.map(decoded).filter(|name| is_plain(name));
    let said = || {
        let parameters = disposition?.split(';').skip(1);
        let value = parameters.filter_map(|pair| pair.trim().strip_prefix("filename=")).next()?;
        let value = value.trim_matches('"').rsplit('/').next()?.to_owned();
        is_plain(&value).then_some(value)
    };
    last.or_else(said).unwrap_or_else(|| UNNAMED.to_owned())
}

fn is_plain(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && name.len() < 256 && !name.contains(['/', '\0'])
}

/// Undoes `%XX` (RFC 3986 §2.1); what is wrong stays.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let digits = tail.get(..2).filter(|_| *first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A URL without what stands before its host.
fn shown(url: &str) -> String {
    crate::name::GitReference::without_password(url)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::net::TcpListener;
    use std::sync::mpsc;

    use super::*;

    /// A server on loopback that gives the answers in turn, and what it was asked.
    fn server(answers: Vec<String>) -> (String, mpsc::Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://user:secret@{}", listener.local_addr().unwrap());
        let (sender, asked) = mpsc::channel();
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = Vec::new();
                let mut byte = [0];
                while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() > 0 {
                    request.push(byte[0]);
                }
                sender.send(String::from_utf8(request).unwrap()).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        (address, asked)
    }

    fn answer(status: &str, headers: &str, body: &str) -> String {
        format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len())
    }

    fn fetch(url: &str, checksum: Option<Digest>, cache: &Cache) -> Result<Download, WebError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(download(url, checksum, cache, &|| false))
    }

    #[test]
    fn a_file_is_fetched_once_and_then_only_asked_about() {
        let headers = "ETag: \"one\"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
        let (server, asked) = server(vec![
            answer("200 OK", headers, "content"),
            answer("304 Not Modified", "", ""),
            answer("200 OK", "ETag: \"two\"\r\n", "other"),
        ]);
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::at(directory.path().join("cache"));
        let url = format!("{server}/a/some%20file?x=1");
        let first = fetch(&url, None, &cache).unwrap();
        assert_eq!(
            (&*first.name, first.digest, first.modified),
            ("some file", Digest::of(b"content"), Some(784_111_777))
        );
        let path = first.directory.join("some file");
        assert_eq!(fs_err::read_to_string(&path).unwrap(), "content");
        let status = fs_err::metadata(&path).unwrap();
        use std::os::unix::fs::MetadataExt as _;
        assert_eq!((status.mode() & 0o7777, status.mtime()), (0o600, 784_111_777));
        assert!(!asked.recv().unwrap().to_lowercase().contains("if-none-match"));

        assert_eq!(fetch(&url, None, &cache).unwrap(), first);
        assert!(asked.recv().unwrap().to_lowercase().contains("if-none-match: \"one\""));
        // Nobody is asked about what is known by its digest.
        assert_eq!(fetch(&url, Some(first.digest), &cache).unwrap(), first);

        let second = fetch(&url, None, &cache).unwrap();
        assert_eq!((second.digest, second.modified), (Digest::of(b"other"), None));
        assert_eq!(fs_err::metadata(second.directory.join("some file")).unwrap().mtime(), 0);
    }

    #[test]
    fn what_is_not_wanted_is_not_kept() {
        let (server, _asked) = server(vec![answer("404 Not Found", "", ""), answer("200 OK", "", "forged")]);
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::at(directory.path().to_owned());
        let url = format!("{server}/file");
        let error = fetch(&url, None, &cache).unwrap_err().to_string();
        assert!(error.ends_with("/file`: the server answers 404") && !error.contains("secret"), "{error}");
        let error = fetch(&url, Some(Digest::of(b"true")), &cache).unwrap_err();
        assert!(matches!(error, WebError::Checksum { .. }), "{error}");
        assert!(!directory.path().join("web-files").exists());
        assert_eq!(fs_err::read_dir(directory.path().join("staging")).unwrap().count(), 0);
        // Nobody listens any more.
        assert!(matches!(fetch(&url, None, &cache), Err(WebError::Unreachable { .. })));
        assert!(matches!(fetch("http://", None, &cache), Err(WebError::Url { .. })));
    }

    #[test]
    fn names() {
        for (url, disposition, expected) in [
            ("http://h/a/b.tar?x#y", None, "b.tar"),
            ("http://h/a/", None, "a"),
            ("http://h/", None, UNNAMED),
            ("http://h", Some("attachment; filename=\"x.zip\""), "x.zip"),
            ("http://h", Some("attachment; filename=../../x.zip"), "x.zip"),
            ("http://h", Some("inline"), UNNAMED),
            ("http://h/a", Some("attachment; filename=b"), "a"),
            ("http://h/%2e%2e%2fetc", None, UNNAMED),
            ("http://h/a%2Fb", None, UNNAMED),
        ] {
            assert_eq!(name(&Url::parse(url).unwrap(), disposition), expected, "{url} {disposition:?}");
        }
        assert!(is_web_address("HTTPS://x/") && !is_web_address("https:x") && !is_web_address("http"));
    }
}
