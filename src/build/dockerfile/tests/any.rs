//! Properties of any text.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{value, word};
use crate::build::dockerfile::{Dockerfile, Expansion, Facts, Ignore, InstructionKind, Word, check, parse};

/// A text that is likely to have a meaning.
fn dockerfile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        proptest::sample::select(
            &[
                "FROM a AS b\n",
                "RUN ",
                "COPY ",
                "ADD ",
                "ENV ",
                "ARG ",
                "LABEL ",
                "ONBUILD ",
                "HEALTHCHECK ",
                "SHELL ",
                "EXPOSE ",
                "VOLUME ",
                "CMD ",
                "USER ",
                "--mount=",
                "--from=",
                "--link ",
                "--exclude=",
                "type=cache,",
                "target=/a,",
                "<<EOF ",
                "<<-\"E\" ",
                "\nEOF\n",
                "\n\tE\n",
                "\\\n",
                "`\n",
                "\n",
                "# ",
                "# escape=`\n",
                "# check=skip=A;error=true\n",
                "\\",
                "`",
                "\"",
                "'",
                "$",
                "${",
                "}",
                ":-",
                "%%",
                "//",
                "/",
                "[\"a\"]",
                "[",
                "]",
                "=",
                ",",
                " ",
                "\t",
                "\r\n",
                "é",
                "\u{feff}",
                "\u{85}",
                "\0",
            ][..]
        )
        .prop_map(str::to_owned),
        "\\PC{0,6}",
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// Everything that stands at a place.
fn spans(file: &Dockerfile) -> Vec<crate::text::Span> {
    let mut found: Vec<_> = file.empty_continuations.clone();
    for stage in &file.stages {
        found.extend([stage.span.clone(), stage.base.span.clone(), stage.keyword.span.clone()]);
        for instruction in &stage.instructions {
            found.extend([instruction.span.clone(), instruction.keyword.span.clone()]);
            if let InstructionKind::Copy(copy) | InstructionKind::Add(copy) = &instruction.kind {
                found.push(copy.destination.span.clone());
            }
        }
    }
    found
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in dockerfile(), begun in any::<bool>()) {
        let text = if begun { format!("FROM a\n{text}") } else { text };
        match parse(&text, "Dockerfile") {
            Ok(file) => {
                for span in spans(&file) {
                    prop_assert!(text.get(span.range.clone()).is_some(), "{span:?}");
                }
                let (none, ignore) = (BTreeMap::new(), Ignore::default());
                let facts =
                    Facts { arguments: &none, platform: &none, image: &|_| None, ignore: Some(&ignore) };
                for warning in check(&file, &facts).warnings {
                    prop_assert!(text.get(warning.span.range.clone()).is_some());
                    let _ = warning.render(false);
                }
                for instruction in file.stages.iter().flat_map(|stage| &stage.instructions) {
                    let expansion = Expansion::new(file.directives.escape, &value);
                    if let Err(mistake) = instruction.expanded(&expansion) {
                        let _ = mistake.render(false);
                    }
                    for used in expansion.uses() {
                        prop_assert!(text.get(used.span.range.clone()).is_some());
                    }
                }
            }
            Err(mistakes) => {
                prop_assert!(!mistakes.is_empty());
                for mistake in mistakes {
                    prop_assert!(text.get(mistake.span.range.clone()).is_some());
                    let _ = mistake.render(true);
                }
            }
        }
    }

    #[test]
    fn what_is_quoted_is_not_expanded(text in "[^'\\\\]{0,20}") {
        let word = Word { text: format!("'{text}'"), ..word("x") };
        prop_assert_eq!(Expansion::new('\\', &value).word(&word).unwrap(), text);
    }
}
