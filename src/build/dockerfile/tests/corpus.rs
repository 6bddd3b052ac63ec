//! The corpus in `tests/build/corpus`: what each of its Dockerfiles is read as stands beside it.

use std::fmt::Write as _;
use std::path::Path;

use crate::build::dockerfile::{Dockerfile, parse};

/// A line for each instruction, with the places of its words.
fn outline(file: &Dockerfile) -> String {
    let mut text = String::new();
    let mut line = |line: String| writeln!(text, "{line}").unwrap();
    let directives = &file.directives;
    line(format!("syntax {:?} escape {:?} {:?}", directives.syntax, directives.escape, directives.check));
    for instruction in &file.arguments {
        line(format!("global {} {:?}", instruction.keyword.span.line(), instruction.kind));
    }
    for stage in &file.stages {
        line(format!("stage {} {:?} from {:?} platform {:?}", stage.index, stage.name, stage.base, stage.platform));
        for instruction in &stage.instructions {
            line(format!("  {} {:?}", instruction.keyword.span.line(), instruction.kind));
        }
    }
    text
}

#[test]
fn each_file_is_read_as_it_stands_beside_it() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/build/corpus");
    let update = std::env::var_os("UPDATE").is_some();
    let (mut count, mut wrong) = (0, Vec::new());
    for entry in fs_err::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "Dockerfile") {
            continue;
        }
        count += 1;
        let found = match parse(&fs_err::read_to_string(&path).unwrap(), "Dockerfile") {
            Ok(file) => outline(&file),
            Err(mistakes) => panic!("{}: {mistakes:#?}", path.display()),
        };
        let beside = path.with_extension("parsed");
        if update {
            fs_err::write(&beside, found).unwrap();
        } else if fs_err::read_to_string(&beside).unwrap_or_default() != found {
            wrong.push(format!("{}\n{found}", path.display()));
        }
    }
    assert!(count >= 60, "{count} files");
    assert!(wrong.is_empty(), "UPDATE=1 writes what is found\n{}", wrong.join("\n"));
}
