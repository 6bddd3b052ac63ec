//! Files that a Dockerfile adds from the network, which is the test's own.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;

/// Serves files until it is dropped. All of them are of 2001-09-09 01:46:40.
pub(crate) struct Web {
    address: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

impl Web {
    /// Serves `files` by their paths.
    pub(crate) fn serve(files: BTreeMap<String, Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let thread = std::thread::spawn(move || {
            // Who says nothing has come to end it.
            while listener.accept().is_ok_and(|(stream, _)| answer(&stream, &files)) {}
        });
        Self { address, thread: Some(thread) }
    }

    /// `http://127.0.0.1:1234`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Answers one request; false when there was none.
fn answer(mut stream: &TcpStream, files: &BTreeMap<String, Vec<u8>>) -> bool {
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let Some(request) = head.first() else { return false };
    let mut words = request.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let file = files.get(path.split('?').next().unwrap_or_default());
    let status = if file.is_some() { "200 OK" } else { "404 Not Found" };
    let body = file.map_or(&[][..], Vec::as_slice);
    let length = body.len();
    let time = "Sun, 09 Sep 2001 01:46:40 GMT";
    let told = write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nLast-Modified: {time}\r\nConnection: close\r\n\r\n"
    );
    // Whoever hangs up early has what was wanted.
    let _ = told.and_then(|()| stream.write_all(if method == "HEAD" { &[] } else { body }));
    true
}
