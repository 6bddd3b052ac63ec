//! Tables for the reader: text, and the tree that comes of it.

mod any;
mod corpus;
mod expansion;
mod lint;
mod mistakes;

use super::*;

/// What is expanded in the tests.
fn value(name: &str) -> Option<String> {
    let value = match name {
        "a" => "A",
        "path" => "/usr/local/lib.so.1",
        "two" => "x y",
        "blank" => "",
        "star" => "a*b*c",
        "ä" => "umlaut",
        _ => return None,
    };
    Some(value.to_owned())
}

fn word(text: &str) -> Word {
    let file = parse(&format!("FROM {text}"), "d").ok();
    let span = file
        .map_or_else(|| parse("FROM x", "d").unwrap().stages[0].base.span.clone(), |f| f.stages[0].base.span.clone());
    Word { text: text.to_owned(), span }
}

/// The instructions of the only stage of a text.
fn read(text: &str) -> Vec<Instruction> {
    let file = parse(&format!("FROM scratch\n{text}"), "Dockerfile")
        .unwrap_or_else(|mistakes| panic!("{text}\n{mistakes:#?}"));
    file.stages.into_iter().next().unwrap().instructions
}

fn one(text: &str) -> InstructionKind {
    let instructions = read(text);
    assert_eq!(instructions.len(), 1, "{text}: {instructions:#?}");
    instructions.into_iter().next().unwrap().kind
}

fn texts(words: &[Word]) -> Vec<&str> {
    words.iter().map(|word| word.text.as_str()).collect()
}

#[test]
fn lines_are_joined_and_keep_their_places() {
    let run = |text: &str| match one(text) {
        InstructionKind::Run(run) => match run.command.form {
            CommandForm::Shell(line) => line.text,
            CommandForm::Exec(words) => format!("{:?}", texts(&words)),
        },
        other => panic!("{other:?}"),
    };
    for (text, wanted) in [
        ("RUN a b", "a b"),
        ("run  a  b  ", "a  b"),
        ("RUN a \\\n b", "a  b"),
        ("RUN a \\  \t\n b", "a  b"),
        ("RUN a\\\nb", "ab"),
        ("RUN a \\\n# a comment\n  # another\n b", "a  b"),
        ("RUN a \\\n\n\n b", "a  b"),
        ("RUN a \\\r\n b\r\n", "a  b"),
        ("RUN a \\\\\n", "a \\\\"),
        ("RUN a # b", "a # b"),
        ("\tRUN a", "a"),
        ("RUN [\"a\", \"b c\"]", "[\"a\", \"b c\"]"),
        ("RUN [\"a\", \\\n \"b\\\"\"]", "[\"a\", \"b\\\"\"]"),
        ("RUN [ -f x ]", "[ -f x ]"),
        ("RUN ['a']", "['a']"),
        ("RUN [\"a\"] x", "[\"a\"] x"),
        ("RUN", ""),
        ("RUN -- --version", "--version"),
        ("RUN a \\", "a"),
    ] {
        assert_eq!(run(text), wanted, "{text:?}");
    }
    let InstructionKind::Env(pairs) = one("ENV a=1 \\\n # no\n  bc=\"2 \\\n 3\"") else { panic!() };
    let places: Vec<_> = pairs.iter().map(|pair| (pair.key.span.line(), pair.key.span.column())).collect();
    assert_eq!(places, [(2, 5), (4, 3)]);
    assert_eq!(pairs[1].value.text, "\"2  3\"");
    assert_eq!(pairs[1].value.span.text(), "\"2 \\\n 3\"");
}

#[test]
fn directives_stand_at_the_top() {
    let read = |text: &str| {
        let directives = parse(text, "Dockerfile").unwrap().directives;
        let check = directives.check;
        let syntax = directives.syntax.map(|word| word.text).unwrap_or_default();
        (syntax, directives.escape, texts(&check.skip).join("+"), check.skip_all, check.error)
    };
    let plain = (String::new(), '\\', String::new(), false, false);
    for (text, wanted) in [
        ("FROM a", plain.clone()),
        ("# escape=`\nFROM a", (String::new(), '`', String::new(), false, false)),
        ("#ESCAPE = `  \nFROM a", (String::new(), '`', String::new(), false, false)),
        ("\u{feff}# escape=`\nFROM a", (String::new(), '`', String::new(), false, false)),
        ("#!/usr/bin/x\n# escape=`\nFROM a", (String::new(), '`', String::new(), false, false)),
        ("# a comment\n# escape=`\nFROM a", plain.clone()),
        ("\n# escape=`\nFROM a", plain.clone()),
        ("# other=1\n# escape=`\nFROM a", plain.clone()),
        ("FROM a\n# escape=`", plain.clone()),
        ("# syntax=docker/dockerfile:1\nFROM a", ("docker/dockerfile:1".to_owned(), '\\', String::new(), false, false)),
        ("# check=skip=A,B;error=true\nFROM a", (String::new(), '\\', "A+B".to_owned(), false, true)),
        ("# check=error=false;skip=all\nFROM a", (String::new(), '\\', String::new(), true, false)),
    ] {
        assert_eq!(read(text), wanted, "{text:?}");
    }
    let InstructionKind::Run(run) =
        &parse("# escape=`\nFROM a\nRUN a `\n b\\", "d").unwrap().stages[0].instructions[0].kind
    else {
        panic!()
    };
    assert!(matches!(&run.command.form, CommandForm::Shell(line) if line.text == "a  b\\"), "{run:?}");
}

#[test]
fn words_of_env_label_and_arg() {
    for (text, wanted) in [
        ("ENV a=1 b=2", &[("a", "1"), ("b", "2")][..]),
        ("ENV a=\"1 2\" b='3 4' c=5\\ 6", &[("a", "\"1 2\""), ("b", "'3 4'"), ("c", "5\\ 6")]),
        ("ENV a b=c  d ", &[("a", "b=c  d")]),
        ("ENV a   b", &[("a", "b")]),
        ("ENV a= b=\"\"", &[("a", ""), ("b", "\"\"")]),
        ("ENV a=b=c", &[("a", "b=c")]),
        ("LABEL \"a.b\"=c \"d e\"=f", &[("\"a.b\"", "c"), ("\"d e\"", "f")]),
        ("LABEL a=\"x\\\"y z\"", &[("a", "\"x\\\"y z\"")]),
        ("LABEL a='x\\' b=y", &[("a", "'x\\'"), ("b", "y")]),
    ] {
        let (InstructionKind::Env(pairs) | InstructionKind::Label(pairs)) = one(text) else { panic!() };
        let found: Vec<_> = pairs.iter().map(|pair| (pair.key.text.as_str(), pair.value.text.as_str())).collect();
        assert_eq!(found, wanted, "{text}");
        assert_eq!(pairs[0].legacy, ["ENV a b=c  d ", "ENV a   b"].contains(&text), "{text}");
    }
    let InstructionKind::Arg(arguments) = one("ARG a b=1 c= d=\"x y\"") else { panic!() };
    let found: Vec<_> =
        arguments.iter().map(|a| (a.name.text.as_str(), a.default.as_ref().map(|word| word.text.as_str()))).collect();
    assert_eq!(found, [("a", None), ("b", Some("1")), ("c", Some("")), ("d", Some("\"x y\""))]);
}

#[test]
fn heredocs_stand_below() {
    let file = "RUN <<EOF\na\n\tb\nEOF\nRUN <<-'E F' cat 3<<two\n\ta\n\tE F\n# no comment\ntwo\nRUN echo \"<<EOF\" a<<EOF\nCOPY <<a <<-\"b\" /x/\n1\na\n\t2\n\tb\nRUN [\"cat\", \"<<EOF\"]\nONBUILD RUN <<EOF\nx\nEOF";
    let instructions = read(file);
    let programs: Vec<_> = instructions
        .iter()
        .map(|instruction| match &instruction.kind {
            InstructionKind::Run(run) => format!("{:?}", run.command.program()),
            InstructionKind::Copy(copy) => {
                let source = |source: &TransferSource| match source {
                    TransferSource::Inline(heredoc) => {
                        format!("{}={:?},{}", heredoc.name, heredoc.content(), heredoc.expand)
                    }
                    TransferSource::Path(path) => path.text.clone(),
                };
                copy.sources.iter().map(source).collect::<Vec<_>>().join(" ")
            }
            InstructionKind::Onbuild(onbuild) => onbuild.trigger.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        programs,
        [
            "Shell(\"a\\n\\tb\\n\")",
            "Shell(\"<<-'E F' cat 3<<two\\n\\ta\\nE F\\n# no comment\\ntwo\")",
            "Shell(\"echo \\\"<<EOF\\\" a<<EOF\")",
            "a=\"1\\n\",true b=\"2\\n\",false",
            "Exec([\"cat\", \"<<EOF\"])",
            "RUN <<EOF\nx\nEOF",
        ]
    );
    assert_eq!(instructions[0].span.text(), "RUN <<EOF\na\n\tb\nEOF");
    assert_eq!(instructions[0].line, "RUN <<EOF");
    for (text, wanted) in [
        ("RUN <<EOF\n#!/bin/sh\nx\nEOF", Program::Script { name: "EOF".into(), content: "#!/bin/sh\nx\n".into() }),
        (
            "RUN <<-EOF\n\t#!/bin/sh\n\tx\n\tEOF",
            Program::Script { name: "EOF".into(), content: "#!/bin/sh\nx\n".into() },
        ),
        ("RUN cat <<EOF\n#!/bin/sh\nEOF", Program::Shell("cat <<EOF\n#!/bin/sh\nEOF".into())),
        ("RUN cat <<< EOF", Program::Shell("cat <<< EOF".into())),
        ("RUN echo $((1<<2))", Program::Shell("echo $((1<<2))".into())),
    ] {
        let InstructionKind::Run(run) = one(text) else { panic!() };
        assert_eq!(run.command.program(), wanted, "{text}");
    }
}

#[test]
fn stages_have_names_and_numbers() {
    let file = parse(
        "ARG V=1\nFROM --platform=$BUILDPLATFORM alpine:$V AS Build\nRUN a\nfrom build as two\nCOPY --from=0 /a /b\nFROM scratch",
        "Dockerfile",
    )
    .unwrap();
    let stages: Vec<_> =
        file.stages.iter().map(|stage| (stage.index, &*stage.base.text, stage.name.as_deref())).collect();
    assert_eq!(stages, [(0, "alpine:$V", Some("build")), (1, "build", Some("two")), (2, "scratch", None)]);
    assert_eq!(file.stages[0].platform.as_ref().unwrap().text, "$BUILDPLATFORM");
    assert_eq!(file.arguments.len(), 1);
    for (name, index) in [("BUILD", Some(0)), ("1", Some(1)), ("2", Some(2)), ("3", None), ("none", None)] {
        assert_eq!(file.stage(name).map(|stage| stage.index), index, "{name}");
    }
}

#[test]
fn copies_have_flags() {
    let InstructionKind::Copy(copy) =
        one("COPY --from=build --chown=1:2 --chmod=u+x --link --parents=true --exclude=*.o --exclude='a b' a ./b /c/")
    else {
        panic!()
    };
    assert_eq!(copy.from.unwrap().text, "build");
    assert_eq!((copy.chown.unwrap().text, copy.chmod.unwrap().text), ("1:2".to_owned(), "u+x".to_owned()));
    assert!(copy.link && copy.parents);
    assert_eq!(texts(&copy.exclude), ["*.o", "a b"]);
    assert_eq!((copy.sources.len(), &*copy.destination.text), (2, "/c/"));
    let InstructionKind::Add(add) =
        one("ADD --checksum=sha256:0 --keep-git-dir --unpack=false --link=FALSE [\"a b\", \"/c d\"]")
    else {
        panic!()
    };
    assert_eq!((add.keep_git_dir, add.unpack, add.link), (Some(true), Some(false), false));
    assert!(matches!(&add.sources[..], [TransferSource::Path(path)] if path.text == "a b"));
    assert_eq!(add.destination.text, "/c d");
}

#[test]
fn mounts_have_types() {
    let mount = |text: &str| {
        let InstructionKind::Run(run) = one(&format!("RUN --mount={text} x")) else { panic!() };
        let lookup = |name: &str| (name == "v").then(|| "value".to_owned());
        format!("{:?}", run.mounts[0].resolve(&Expansion::new('\\', &lookup)).unwrap())
    };
    let none = "mode: None, uid: None, gid: None";
    for (text, wanted) in [
        ("target=/a", "Bind { target: \"/a\", source: None, from: None, read_write: false }".to_owned()),
        (
            "type=bind,from=b,source=/$v,dst=/a,rw",
            "Bind { target: \"/a\", source: Some(\"/value\"), from: Some(\"b\"), read_write: true }".to_owned(),
        ),
        (
            "type=cache,target=/c",
            format!("Cache {{ id: None, target: \"/c\", read_only: false, sharing: Shared, from: None, source: None, {none} }}"),
        ),
        (
            "type=cache,id=$v,target=/c,ro,sharing=locked,from=b,src=/x,mode=0700,uid=1,gid=2",
            "Cache { id: Some(\"value\"), target: \"/c\", read_only: true, sharing: Locked, from: Some(\"b\"), source: \
             Some(\"/x\"), mode: Some(448), uid: Some(1), gid: Some(2) }"
                .to_owned(),
        ),
        ("type=tmpfs,target=/t,size=1m", "Tmpfs { target: \"/t\", size: Some(1048576) }".to_owned()),
        ("type=secret,id=k", format!("Secret {{ id: \"k\", target: None, env: None, required: false, {none} }}")),
        (
            "type=secret,target=/run/${v},env=KEY,required,mode=0440,uid=1,gid=2",
            "Secret { id: \"value\", target: Some(\"/run/value\"), env: Some(\"KEY\"), required: true, mode: Some(288), \
             uid: Some(1), gid: Some(2) }"
                .to_owned(),
        ),
        ("type=ssh", format!("Ssh {{ id: \"default\", target: None, required: false, {none} }}")),
        (
            "type=ssh,id=x,target=/s,required=true,mode=0666",
            "Ssh { id: \"x\", target: Some(\"/s\"), required: true, mode: Some(438), uid: None, gid: None }".to_owned(),
        ),
        (
            "'type=bind,\"target=/a,b\",readonly=false'",
            "Bind { target: \"/a,b\", source: None, from: None, read_write: true }".to_owned(),
        ),
    ] {
        assert_eq!(mount(text), wanted, "{text}");
    }
}

#[test]
fn the_rest_of_run() {
    let InstructionKind::Run(run) =
        one("RUN --network=none --security=insecure --device=vendor.com/gpu=0,required --device=name=a x")
    else {
        panic!()
    };
    assert_eq!((run.network, run.security), (RunNetwork::None, RunSecurity::Insecure));
    let devices: Vec<_> = run.devices.iter().map(|device| (device.name.as_str(), device.required)).collect();
    assert_eq!(devices, [("vendor.com/gpu=0", true), ("a", false)]);
}

#[test]
fn health_checks_have_times() {
    assert_eq!(one("HEALTHCHECK NONE"), InstructionKind::Healthcheck(Healthcheck::None));
    let text = "HEALTHCHECK --interval=1m30s --timeout=0 --start-period=5s --start-interval=200ms --retries=3 CMD a b";
    let InstructionKind::Healthcheck(Healthcheck::Check {
        command,
        interval,
        timeout,
        start_period,
        start_interval,
        retries,
    }) = one(text)
    else {
        panic!()
    };
    assert_eq!(command.program(), Program::Shell("a b".to_owned()));
    let times = [interval, timeout, start_period, start_interval].map(|time| time.map(|time| time.as_millis()));
    assert_eq!((times, retries), ([Some(90_000), None, Some(5000), Some(200)], Some(3)));
    let InstructionKind::Healthcheck(Healthcheck::Check { command, .. }) = one("HEALTHCHECK cmd [\"a\", \"b\"]") else {
        panic!()
    };
    assert_eq!(command.program(), Program::Exec(vec!["a".to_owned(), "b".to_owned()]));
}

#[test]
fn the_small_ones() {
    for (text, wanted) in [
        ("SHELL [\"/bin/sh\", \"-e\"]", &["/bin/sh", "-e"][..]),
        ("VOLUME /a /b", &["/a", "/b"]),
        ("VOLUME [\"/a\", \" /b \"]", &["/a", "/b"]),
        ("EXPOSE 80 53/udp  8000-8010", &["80", "53/udp", "8000-8010"]),
    ] {
        let (InstructionKind::Shell(words) | InstructionKind::Volume(words) | InstructionKind::Expose(words)) =
            one(text)
        else {
            panic!()
        };
        assert_eq!(texts(&words), wanted, "{text}");
    }
    for (text, wanted) in [
        ("WORKDIR /a b", "/a b"),
        ("USER app:app", "app:app"),
        ("STOPSIGNAL SIGINT", "SIGINT"),
        ("MAINTAINER Jo <jo@example.org>", "Jo <jo@example.org>"),
    ] {
        let (InstructionKind::Workdir(word)
        | InstructionKind::User(word)
        | InstructionKind::Stopsignal(word)
        | InstructionKind::Maintainer(word)) = one(text)
        else {
            panic!()
        };
        assert_eq!(word.text, wanted);
    }
    let InstructionKind::Onbuild(onbuild) = one("ONBUILD  copy --chown=1 a b") else { panic!() };
    assert_eq!(onbuild.trigger, "copy --chown=1 a b");
    assert!(matches!(onbuild.instruction.kind, InstructionKind::Copy(_)));
}

#[test]
fn triggers_are_read_again() {
    assert_eq!(parse_trigger("RUN make", "base").unwrap().name(), "RUN");
    assert_eq!(parse_trigger("RUN <<EOF\nx\nEOF", "base").unwrap().name(), "RUN");
    for (text, wanted) in [
        ("", "base:1:1: a trigger of `ONBUILD` is one instruction"),
        ("RUN a\nRUN b", "base:1:1: a trigger of `ONBUILD` is one instruction"),
        ("FROM a", "base:1:1: `FROM` cannot be a trigger of `ONBUILD`"),
        ("MAINTAINER a", "base:1:1: `MAINTAINER` cannot be a trigger of `ONBUILD`"),
        ("COPY a", "base:1:1: `COPY` takes at least one source and a destination"),
    ] {
        assert_eq!(parse_trigger(text, "base").unwrap_err()[0].to_string(), wanted);
    }
}

#[test]
fn ports_are_expanded_to_numbers() {
    for (text, wanted) in [
        ("80", Ok(vec!["80/tcp"])),
        ("53/UDP", Ok(vec!["53/udp"])),
        ("8-10/sctp", Ok(vec!["8/sctp", "9/sctp", "10/sctp"])),
        ("1:2", Ok(vec!["2/tcp"])),
        ("127.0.0.1:1:2", Ok(vec!["2/tcp"])),
        ("[::1]:1:2", Ok(vec!["2/tcp"])),
        ("", Err("a port is a number up to 65535")),
        ("http", Err("a port is a number up to 65535")),
        ("+80", Err("a port is a number up to 65535")),
        ("65536", Err("a port is a number up to 65535")),
        ("10-8", Err("the range ends before it begins")),
        ("80/icmp", Err("the protocol is `tcp`, `udp` or `sctp`")),
        ("1-2:3-5", Err("the two ranges are not equally long")),
        ("x:1:2", Err("what stands before the ports is no address")),
    ] {
        let file = parse("FROM a", "d").unwrap();
        let word = Word { text: text.to_owned(), span: file.stages[0].span.clone() };
        match (ports(&word), wanted) {
            (Ok(found), Ok(wanted)) => assert_eq!(found, wanted, "{text}"),
            (Err(found), Err(wanted)) => assert!(found.to_string().ends_with(wanted), "{text}: {found}"),
            (found, _) => panic!("{text}: {found:?}"),
        }
    }
}
