//! A registry on loopback that serves what a test gives it, and misbehaves as told.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use sha2::Digest as _;

/// `sha256:…` of `bytes`.
pub(crate) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(sha2::Sha256::digest(bytes)))
}

/// What a registry serves: documents by the path of their request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Content {
    documents: BTreeMap<String, Vec<u8>>,
}

/// How a registry misbehaves; by default it does not.
#[derive(Debug, Clone, Default)]
pub(crate) struct Behaviour {
    /// Wants `Bearer` with this token, which its own `/token` gives to `login`, or to everybody if that is `None`.
    pub(crate) token: Option<&'static str>,
    /// The value of the only `Authorization` header it takes (for the token, or for everything without one).
    pub(crate) login: Option<&'static str>,
    /// Closes the connection after so many bytes of a blob, once for every blob.
    pub(crate) break_after: Option<usize>,
    /// Falls silent after so many bytes of a blob.
    pub(crate) stall_after: Option<usize>,
    /// Does not know `Range`.
    pub(crate) ignore_ranges: bool,
    /// Takes connections and never answers.
    pub(crate) is_silent: bool,
    /// Answers everything with this status.
    pub(crate) status: Option<u16>,
}

/// A running registry; it stops when dropped.
#[derive(Debug)]
pub(crate) struct Registry {
    address: SocketAddr,
    /// What it does, and has.
    pub(crate) shared: Arc<Shared>,
}

/// What a registry does, and has.
#[derive(Debug)]
pub(crate) struct Shared {
    content: Mutex<Content>,
    /// What was uploaded so far, by its place.
    uploads: Mutex<BTreeMap<String, Vec<u8>>>,
    behaviour: Behaviour,
    requests: Mutex<Vec<String>>,
    broken: Mutex<Vec<String>>,
    is_stopped: AtomicBool,
}

impl Content {
    /// Adds a blob for `repository` and gives its descriptor.
    pub(crate) fn blob(&mut self, repository: &str, media_type: &str, bytes: &[u8]) -> serde_json::Value {
        let digest = digest(bytes);
        self.replace(repository, &digest, bytes);
        serde_json::json!({"mediaType": media_type, "digest": digest, "size": bytes.len()})
    }

    /// Serves `bytes` as the blob `digest`, whatever theirs is.
    pub(crate) fn replace(&mut self, repository: &str, digest: &str, bytes: &[u8]) {
        self.documents.insert(format!("/v2/{repository}/blobs/{digest}"), bytes.to_vec());
    }

    /// Serves `manifest` by `tag` and by its digest, which it gives.
    pub(crate) fn manifest(&mut self, repository: &str, tag: &str, manifest: &serde_json::Value) -> String {
        let bytes = manifest.to_string().into_bytes();
        let digest = digest(&bytes);
        for name in [tag, &digest] {
            self.documents.insert(format!("/v2/{repository}/manifests/{name}"), bytes.clone());
        }
        digest
    }

    /// Adds an image of `layers` (blob as sent, tar) under `repository:tag`, and gives its manifest's digest.
    pub(crate) fn image(&mut self, repository: &str, tag: &str, layers: &[(Vec<u8>, Vec<u8>)]) -> String {
        let config = serde_json::json!({"Cmd": [repository, tag], "Env": null});
        self.configured_image(repository, tag, &config, layers)
    }

    /// Adds an image as [`Self::image`] does, whose containers run as `config` says.
    pub(crate) fn configured_image(
        &mut self,
        repository: &str,
        tag: &str,
        config: &serde_json::Value,
        layers: &[(Vec<u8>, Vec<u8>)],
    ) -> String {
        let diff_ids: Vec<String> = layers.iter().map(|(_, tar)| digest(tar)).collect();
        let config = serde_json::json!({
            "os": "linux", "architecture": "amd64", "config": config,
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        });
        let config = self.blob(repository, "application/vnd.oci.image.config.v1+json", config.to_string().as_bytes());
        let layer = "application/vnd.oci.image.layer.v1.tar";
        let layers: Vec<_> = layers.iter().map(|(blob, _)| self.blob(repository, layer, blob)).collect();
        self.manifest(repository, tag, &serde_json::json!({"schemaVersion": 2, "config": config, "layers": layers}))
    }
}

impl Registry {
    /// Serves `content` on a free port of 127.0.0.1.
    pub(crate) fn start(content: Content, behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            content: Mutex::new(content),
            uploads: Mutex::default(),
            behaviour,
            requests: Mutex::default(),
            broken: Mutex::default(),
            is_stopped: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if serving.is_stopped.load(Ordering::SeqCst) {
                    break;
                }
                let serving = Arc::clone(&serving);
                // A client that goes away in the middle is no failure of the test.
                std::thread::spawn(move || drop(serving.serve(stream, address)));
            }
        });
        Self { address, shared }
    }

    /// `127.0.0.1:port`.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// `METHOD path` of every request so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.shared.is_stopped.store(true, Ordering::SeqCst);
        // Wakes `accept`.
        let _ = TcpStream::connect(self.address);
    }
}

struct Request {
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

fn read_request(reader: &mut impl BufRead) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end().split_once(": ") {
            Some((key, value)) => headers.insert(key.to_ascii_lowercase(), value.to_owned()),
            None => {
                let length = headers.get("content-length").map_or(0, |text: &String| text.parse().unwrap());
                let mut body = vec![0; length];
                reader.read_exact(&mut body)?;
                return Ok(Some(Request { method, path, headers, body }));
            }
        };
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream, address: SocketAddr) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        if self.behaviour.is_silent {
            return reader.read_to_end(&mut Vec::new()).map(drop);
        }
        while let Some(request) = read_request(&mut reader)? {
            let Request { method, path, headers, body } = &request;
            self.requests.lock().unwrap().push(format!("{method} {path}"));
            let authorization = headers.get("authorization").map(String::as_str);
            let (plain, query) = path.split_once('?').unwrap_or((path, ""));
            if let Some(refusal) = self.refusal(plain, authorization, address) {
                stream.write_all(refusal.as_bytes())?;
            } else if plain == "/token" {
                assert!(query.contains("service=test&scope=repository%3A"), "{query}");
                let token = serde_json::json!({"token": self.behaviour.token}).to_string();
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{token}", token.len())?;
            } else if ["POST", "PATCH", "PUT"].contains(&method.as_str()) {
                stream.write_all(self.take(method, plain, query, body).as_bytes())?;
            } else if let Some(body) = self.document(plain) {
                if !self.send(&mut stream, &request, &body)? {
                    return Ok(());
                }
            } else {
                stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")?;
            }
        }
        Ok(())
    }

    /// What it has at `path`, with what was pushed to it.
    pub(crate) fn document(&self, path: &str) -> Option<Vec<u8>> {
        self.content.lock().unwrap().documents.get(path).cloned()
    }

    /// Takes a part of a blob, all of one, or a manifest; the answer.
    fn take(&self, method: &str, path: &str, query: &str, body: &[u8]) -> String {
        let answer =
            |status: &str, place: &str| format!("HTTP/1.1 {status}\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n");
        let mut uploads = self.uploads.lock().unwrap();
        if let Some(repository) = path.strip_suffix("/blobs/uploads/").filter(|_| method == "POST") {
            let place = format!("{repository}/blobs/uploads/{}", uploads.len());
            uploads.insert(place.clone(), Vec::new());
            return answer("202 Accepted", &place);
        }
        let mut content = self.content.lock().unwrap();
        if let Some((repository, _)) = path.split_once("/manifests/").filter(|_| method == "PUT") {
            for name in [path.to_owned(), format!("{repository}/manifests/{}", digest(body))] {
                content.documents.insert(name, body.to_vec());
            }
            return answer("201 Created", path);
        }
        let Some(upload) = uploads.get_mut(path) else { return answer("404 Not Found", path) };
        upload.extend_from_slice(body);
        if method == "PATCH" {
            return answer("202 Accepted", path);
        }
        let named = query.split('&').find_map(|pair| pair.strip_prefix("digest=")).unwrap().replace("%3A", ":");
        if named != digest(upload) {
            return answer("400 Bad Request", path);
        }
        let (repository, _) = path.split_once("/blobs/").unwrap();
        let place = format!("{repository}/blobs/{named}");
        content.documents.insert(place.clone(), upload.clone());
        answer("201 Created", &place)
    }

    fn refusal(&self, path: &str, authorization: Option<&str>, address: SocketAddr) -> Option<String> {
        let Behaviour { token, login, status, .. } = &self.behaviour;
        if let Some(status) = status {
            return Some(format!("HTTP/1.1 {status} Because\r\nContent-Length: 0\r\n\r\n"));
        }
        let bearer = token.map(|token| format!("Bearer {token}"));
        let wanted = if path == "/token" { *login } else { bearer.as_deref().or(*login) };
        if wanted.is_none() || wanted == authorization {
            return None;
        }
        let challenge = match token {
            Some(_) if path != "/token" => format!("Bearer realm=\"http://{address}/token\",service=\"test\""),
            _ => "Basic realm=\"test\"".to_owned(),
        };
        Some(format!("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: {challenge}\r\nContent-Length: 0\r\n\r\n"))
    }

    /// Sends `body`, or the part of it that was asked for; answers whether the connection stays.
    fn send(&self, stream: &mut TcpStream, request: &Request, body: &[u8]) -> std::io::Result<bool> {
        let range = request.headers.get("range").filter(|_| !self.behaviour.ignore_ranges);
        let from: usize =
            range.map_or(0, |range| range.trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap());
        let status = if range.is_some() { "206 Partial Content" } else { "200 OK" };
        let (part, digest) = (&body[from..], digest(body));
        let length = part.len();
        write!(stream, "HTTP/1.1 {status}\r\nDocker-Content-Digest: {digest}\r\nContent-Length: {length}\r\n\r\n")?;
        if request.method == "HEAD" {
            return Ok(true);
        }
        if let Some(limit) = self.behaviour.stall_after.filter(|limit| *limit < length) {
            stream.write_all(&part[..limit])?;
            return stream.read(&mut [0]).map(|_| false);
        }
        let mut broken = self.broken.lock().unwrap();
        match self.behaviour.break_after {
            Some(limit) if request.path.contains("/blobs/") && !broken.contains(&request.path) => {
                broken.push(request.path.clone());
                stream.write_all(&part[..limit.min(length)])?;
                Ok(false)
            }
            _ => stream.write_all(part).map(|()| true),
        }
    }
}
