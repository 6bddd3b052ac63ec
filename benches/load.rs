//! How long it takes to read Compose files, from text to project: a small one, and one of 2,000 services.

#![expect(missing_docs, reason = "criterion makes a public function")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::hint::black_box;
use std::io;
use std::path::{Path, PathBuf};

use criterion::{Criterion, criterion_group, criterion_main};
use rcompose::compose::{Files, LoadOptions, load};

const SMALL: &str = "\
services:
  web:
    image: nginx:${TAG:-1.29}
    ports: ['8080:80']
    environment: {DATABASE: postgres://db/shop, DEBUG: 'no'}
    depends_on: {db: {condition: service_healthy}}
  db:
    image: postgres:17
    volumes: ['data:/var/lib/postgresql/data']
    healthcheck: {test: pg_isready, interval: 2s}
volumes:
  data:
";

/// One file.
struct OneFile(String);

impl Files for OneFile {
    fn read(&self, path: &Path) -> io::Result<String> {
        if path.ends_with("compose.yaml") { Ok(self.0.clone()) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn exists(&self, path: &Path) -> bool {
        path.ends_with("compose.yaml")
    }

    fn canonicalize(&self, path: &Path) -> Option<PathBuf> {
        Some(path.to_owned())
    }
}

/// A file of services as they are written: block style, comments, an anchor that all share.
fn services(count: usize) -> String {
    let mut text =
        "x-common: &common\n  restart: unless-stopped\n  logging: {driver: local, options: {max-size: 10m}}\n\n\
        services:\n"
            .to_owned();
    for number in 0..count {
        let below = number / 2;
        let port = 10_000 + number;
        let written = writeln!(
            text,
            "  # Service {number}.\n  service-{number}:\n    <<: *common\n    image: registry.example/shop/service:${{TAG:-1.0}}\n    \
             command: [\"serve\", \"--number\", \"{number}\"]\n    environment:\n      NUMBER: \"{number}\"\n      \
             LEVEL: ${{LEVEL-info}}\n      PEER: http://service-{below}:8080\n    ports:\n      - \"{port}:8080\"\n    \
             volumes:\n      - data:/data\n      - ./conf:/etc/service:ro\n    labels:\n      team: shop"
        );
        written.expect("a string takes any text");
    }
    text.push_str("volumes:\n  data:\n");
    text
}

fn options() -> LoadOptions {
    LoadOptions {
        files: vec![PathBuf::from("compose.yaml")],
        environment: BTreeMap::from([("TAG".to_owned(), "2.0".to_owned())]),
        working_dir: PathBuf::from("/shop"),
        ..LoadOptions::default()
    }
}

fn benches(criterion: &mut Criterion) {
    for (name, text) in [("small file", SMALL.to_owned()), ("2,000 services", services(2_000))] {
        let (files, options) = (OneFile(text), options());
        if let Err(error) = load(&options, &files) {
            panic!("{name}: {error:?}");
        }
        criterion.bench_function(name, |bencher| bencher.iter(|| black_box(load(&options, &files))));
    }
}

criterion_group!(group, benches);
criterion_main!(group);
