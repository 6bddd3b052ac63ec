//! Each rule of the lint: what it tells of, and what it is silent about.

use std::collections::{BTreeMap, BTreeSet};

use crate::build::dockerfile::{BaseImage, Checked, Facts, Ignore, Rule, check, foreign_syntax, parse};

/// What is found in a text: `alpine` is not here, `base` is, with a variable and a shell.
fn checked(text: &str, arguments: &[(&str, &str)], ignore: &str) -> Checked {
    let file = parse(text, "Dockerfile").unwrap_or_else(|mistakes| panic!("{text}\n{mistakes:#?}"));
    let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let image =
        |name: &str| (name == "base").then(|| BaseImage { environment: map(&[("HOME_DIR", "/home")]), shell: true });
    let platform = map(&[("TARGETPLATFORM", "linux/amd64"), ("BUILDPLATFORM", "linux/amd64"), ("TARGETARCH", "amd64")]);
    let ignore = Ignore::parse(ignore).unwrap();
    let ignore = (!ignore.is_empty()).then_some(&ignore);
    check(&file, &Facts { arguments: &map(arguments), platform: &platform, image: &image, ignore })
}

/// The rules that a text breaks, each with its place.
fn rules(text: &str, arguments: &[(&str, &str)], ignore: &str) -> Vec<String> {
    let place = |warning: &crate::build::dockerfile::Warning| {
        let rule = warning.rule.map_or("", Rule::name);
        format!("{rule} {}:{}", warning.span.line(), warning.span.column())
    };
    checked(text, arguments, ignore).warnings.iter().map(place).collect()
}

/// A text, and what is found in it.
const FILES: &[(&str, &[&str])] = &[
    ("FROM scratch AS Base", &["StageNameCasing 1:17"]),
    ("FROM scratch as base", &["FromAsCasing 1:14"]),
    ("from scratch AS base", &["FromAsCasing 1:14"]),
    ("from scratch as base\nrun x", &[]),
    ("FROM scratch\nRUN a \\\n\n\n b\nRUN a", &["NoEmptyContinuation 3:1"]),
    ("FROM scratch\nRUN a \\\n# comment\n b", &[]),
    ("FROM scratch\nRUN a\ncopy a b", &["ConsistentInstructionCasing 3:1"]),
    ("from scratch\nrun a\nCopy a b", &["ConsistentInstructionCasing 3:1"]),
    ("from scratch\nRUN a", &["ConsistentInstructionCasing 1:1"]),
    ("FROM scratch AS a\nFROM scratch AS b\nFROM scratch AS A", &["DuplicateStageName 3:17", "StageNameCasing 3:17"]),
    ("FROM alpine AS scratch\nFROM alpine AS context", &["ReservedStageName 1:16", "ReservedStageName 2:16"]),
    ("FROM scratch\nCMD a b", &["JSONArgsRecommended 2:5"]),
    ("FROM scratch\nENTRYPOINT a b", &["JSONArgsRecommended 2:12"]),
    ("FROM scratch\nSHELL [\"/sh\"]\nCMD a b", &[]),
    ("FROM base\nCMD a b", &[]),
    ("FROM scratch AS a\nSHELL [\"/sh\"]\nFROM a\nCMD a b", &[]),
    ("FROM scratch\nCMD [\"a\"]\nENTRYPOINT [\"a\"]", &[]),
    ("FROM scratch\nMAINTAINER a", &["MaintainerDeprecated 2:1"]),
    ("FROM alpine:$VERSION", &["InvalidDefaultArgInFrom 1:6", "UndefinedArgInFrom 1:13"]),
    ("ARG VERSION=1\nFROM alpine:$VERSION", &[]),
    ("ARG VERSION\nFROM alpine$VERSION", &[]),
    ("ARG VERSION\nFROM alpine:$VERSION", &["InvalidDefaultArgInFrom 2:6"]),
    ("ARG VERSION\nFROM alpine:${VERSION:-1}", &[]),
    ("ARG VERSION=1\nFROM alpine:$VERSON", &["InvalidDefaultArgInFrom 2:6", "UndefinedArgInFrom 2:13"]),
    ("FROM --platform=$TARGTPLATFORM alpine", &["UndefinedArgInFrom 1:17"]),
    ("FROM --platform=$TARGETPLATFORM alpine", &["RedundantTargetPlatform 1:17"]),
    ("FROM --platform=${TARGETPLATFORM} alpine", &["RedundantTargetPlatform 1:17"]),
    ("FROM --platform=$BUILDPLATFORM alpine", &[]),
    ("FROM --platform=linux/$TARGETARCH alpine", &[]),
    ("FROM --platform=linux/amd64 alpine", &["FromPlatformFlagConstDisallowed 1:17"]),
    ("FROM --platform=linux/x86_64 alpine AS build_amd64", &[]),
    ("FROM --platform=linux/arm64 alpine AS for-linux", &[]),
    ("FROM alpine\nWORKDIR a\nWORKDIR b", &["WorkdirRelativePath 2:9"]),
    ("FROM alpine\nWORKDIR /a\nWORKDIR b", &[]),
    ("FROM alpine AS a\nWORKDIR /a\nFROM a\nWORKDIR b", &[]),
    ("FROM alpine\nARG d=/a\nWORKDIR $d", &[]),
    ("FROM alpine\nCOPY $foo .", &["UndefinedVar 2:6"]),
    ("FROM alpine\nARG foo\nCOPY $foo .", &[]),
    ("FROM alpine\nENV PATH=$PAHT:/app", &["UndefinedVar 2:10"]),
    ("FROM alpine\nENV PATH=$PATH:/app", &[]),
    ("FROM base\nWORKDIR $HOME_DIR", &[]),
    ("FROM base AS a\nENV b=/b\nFROM a\nWORKDIR $b", &[]),
    ("ARG global=/a\nFROM alpine\nWORKDIR $global", &["UndefinedVar 3:9", "WorkdirRelativePath 3:9"]),
    ("ARG global=/a\nFROM alpine\nARG global\nWORKDIR $global", &[]),
    ("FROM alpine\nARG a=$b\nARG c=1 d=$c", &["UndefinedVar 2:7"]),
    ("FROM alpine\nRUN echo $a\nCMD [\"$a\"]\nEXPOSE $a", &[]),
    ("FROM alpine\nRUN --mount=target=/$a x", &["UndefinedVar 2:21"]),
    ("FROM alpine\nCOPY <<E /a\n$a\nE\nCOPY <<'E' /a\n$a\nE", &["UndefinedVar 2:6"]),
    ("FROM alpine\nENV a=1 b=$a", &["UndefinedVar 2:11"]),
    ("FROM alpine\nCMD [\"a\"]\nCMD [\"b\"]", &["MultipleInstructionsDisallowed 2:1"]),
    ("FROM alpine\nHEALTHCHECK NONE\nHEALTHCHECK CMD a", &["MultipleInstructionsDisallowed 2:1"]),
    ("FROM alpine AS a\nENTRYPOINT [\"a\"]\nFROM a\nENTRYPOINT [\"b\"]", &[]),
    ("FROM alpine\nENV a b\nLABEL a b c", &["LegacyKeyValueFormat 2:5", "LegacyKeyValueFormat 3:7"]),
    ("FROM alpine\nENV a=b\nLABEL a=b", &[]),
    ("FROM alpine\nARG DB_PASSWORD\nENV API_TOKEN=1", &["SecretsUsedInArgOrEnv 2:5", "SecretsUsedInArgOrEnv 3:5"]),
    ("FROM alpine\nARG PUBLIC_KEY TOKEN_FILE KEYBOARD AUTHOR\nENV KEY_VERSION=1", &[]),
    ("FROM alpine\nEXPOSE 80/TCP 81/udp", &["ExposeProtoCasing 2:8"]),
    ("FROM alpine\nEXPOSE 127.0.0.1:80:80 8080:80", &["ExposeInvalidFormat 2:8", "ExposeInvalidFormat 2:24"]),
    ("FROM alpine\n# x\nARG a", &[]),
    ("# check=experimental=all\nFROM alpine\n# x\nARG a", &["InvalidDefinitionDescription 3:3"]),
    ("# check=experimental=InvalidDefinitionDescription\n\n# base is it\nFROM alpine AS base\n# a is\nARG a", &[]),
    ("# check=experimental=all\nFROM alpine\n# x\n\nARG a", &[]),
    ("# check=skip=JSONArgsRecommended\nFROM alpine\nCMD a\nMAINTAINER b", &["MaintainerDeprecated 4:1"]),
    ("# check=skip=JSONArgsRecommended,MaintainerDeprecated\nFROM alpine\nCMD a\nMAINTAINER b", &[]),
    ("# check=skip=all\nFROM alpine\nCMD a\nMAINTAINER b", &[]),
    ("FROM alpine\n# check=skip=JSONArgsRecommended\nCMD a\nMAINTAINER b", &["MaintainerDeprecated 4:1"]),
];

#[test]
fn rules_tell_of_what_they_are_about() {
    let wrong: Vec<String> = FILES
        .iter()
        .map(|(text, wanted)| (text, rules(text, &[], ""), wanted))
        .filter(|(_, found, wanted)| found != *wanted)
        .map(|(text, found, wanted)| format!("{text}\nfound  {found:?}\nwanted {wanted:?}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn what_is_ignored_cannot_be_copied() {
    for (text, ignore, wanted) in [
        ("COPY a/tmp/b /", "*/tmp/*", &["CopyIgnoredFile 2:6"][..]),
        ("COPY ./a/../x y/ /", "x", &["CopyIgnoredFile 2:6"]),
        ("ADD /x /", "x", &["CopyIgnoredFile 2:5"]),
        ("COPY . /", "*", &["CopyIgnoredFile 2:6"]),
        ("COPY . /", "x", &[]),
        ("COPY a/keep/b /", "*/tmp/*", &[]),
        ("COPY x /", "x\n!y", &[]),
        ("COPY --from=base x /", "x", &[]),
        ("ADD https://example.org/x /", "*", &[]),
        ("COPY x /", "", &[]),
    ] {
        assert_eq!(rules(&format!("FROM alpine\n{text}"), &[], ignore), wanted, "{text}: {ignore}");
    }
}

#[test]
fn arguments_from_outside_count() {
    for (text, arguments, wanted) in [
        ("ARG v\nFROM alpine:$v", &[("v", "1")][..], &["InvalidDefaultArgInFrom 2:6"][..]),
        ("FROM alpine\nARG d=$x\nWORKDIR $d", &[("d", "/a")], &[]),
        ("FROM alpine\nMAINTAINER a", &[("BUILDKIT_DOCKERFILE_CHECK", "skip=all")], &[]),
    ] {
        assert_eq!(rules(text, arguments, ""), wanted, "{text}");
    }
    let error = |text: &str, arguments: &[(&str, &str)]| checked(text, arguments, "").error;
    assert!(error("# check=error=true\nFROM a", &[]) && !error("FROM a", &[]));
    assert!(error("FROM a", &[("BUILDKIT_DOCKERFILE_CHECK", "error=true")]));
}

#[test]
fn each_rule_is_broken_by_one_file() {
    let mut broken: BTreeSet<&str> =
        FILES.iter().flat_map(|(_, rules)| *rules).map(|rule| rule.split(' ').next().unwrap()).collect();
    broken.insert("CopyIgnoredFile");
    let all: BTreeSet<&str> = Rule::ALL.iter().map(|rule| rule.name()).collect();
    assert_eq!(broken, all);
}

#[test]
fn warnings_look_like_those_of_compose_files() {
    let found = checked("FROM alpine\nENV PATH=$PAHT:/app\nWORKDIR $foo\nCMD a\nCMD [\"b\"]", &[], "");
    let shown: Vec<String> = found.warnings.iter().map(|warning| warning.render(false) + "\n").collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    warning[UndefinedVar]: the variable `PAHT` is not defined
     --> Dockerfile:2:10
      |
    2 | ENV PATH=$PAHT:/app
      |          ^^^^^
      |
    help: did you mean `PATH`?

    warning[UndefinedVar]: the variable `foo` is not defined
     --> Dockerfile:3:9
      |
    3 | WORKDIR $foo
      |         ^^^^
      |
    help: `alpine` may define it, which is not here

    warning[WorkdirRelativePath]: where `$foo` is depends on the base image
     --> Dockerfile:3:9
      |
    3 | WORKDIR $foo
      |         ^^^^
      |
    help: give an absolute path first

    warning[MultipleInstructionsDisallowed]: only the last `CMD` of a stage has an effect
     --> Dockerfile:4:1
      |
    4 | CMD a
      | ^^^

    warning[JSONArgsRecommended]: this `CMD` runs in a shell, which does not hand signals on
     --> Dockerfile:4:5
      |
    4 | CMD a
      |     ^
      |
    help: write `CMD ["program", "argument"]`
    "#);
}

#[test]
fn other_frontends_are_told_of() {
    for (syntax, foreign) in [
        ("docker/dockerfile:1", false),
        ("docker/dockerfile:1.7-labs", false),
        ("docker.io/docker/dockerfile:1@sha256:00", false),
        ("docker/dockerfile", false),
        ("docker/dockerfile-upstream:master", false),
        ("docker/dockerfile:2", true),
        ("example.org/mine", true),
    ] {
        let file = parse(&format!("# syntax={syntax}\nFROM a"), "Dockerfile").unwrap();
        assert_eq!(foreign_syntax(&file).is_some(), foreign, "{syntax}");
    }
    assert_eq!(foreign_syntax(&parse("FROM a", "d").unwrap()), None);
}
