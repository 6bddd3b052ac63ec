//! Tables of mistakes, and how people see them.

use crate::build::dockerfile::parse;

/// The mistakes of a text, as people read them.
fn mistakes(text: &str) -> String {
    let found = parse(text, "Dockerfile").unwrap_err();
    found.iter().map(|mistake| mistake.render(false) + "\n").collect::<Vec<_>>().join("\n")
}

/// The only mistake in an instruction, in one line.
fn mistake(text: &str) -> String {
    let found = parse(&format!("FROM scratch\n{text}"), "Dockerfile").unwrap_err();
    assert_eq!(found.len(), 1, "{text}: {found:?}");
    let help = found[0].help.as_ref().map_or_else(String::new, |help| format!(" ({help})"));
    format!("{}{help}", found[0])
}

#[test]
fn mistakes_are_told_with_their_place() {
    for (text, wanted) in [
        ("RNU x", "Dockerfile:2:1: unknown instruction `RNU` (did you mean `RUN`?)"),
        ("\\\n", "Dockerfile:2:1: nothing is continued here"),
        ("COPY --form=a b c", "Dockerfile:2:6: unknown flag `--form` of `COPY` (did you mean `--from`?)"),
        ("ADD --from=a b c", "Dockerfile:2:5: unknown flag `--from` of `ADD` (it is a flag of `COPY`)"),
        (
            "CMD --version",
            "Dockerfile:2:5: unknown flag `--version` of `CMD` (`CMD` has no flags; `--` ends them, for a word that begins with `--`)",
        ),
        ("COPY --link --link a b", "Dockerfile:2:13: the flag `--link` is given twice"),
        ("COPY --from a b", "Dockerfile:2:6: the flag `--from` needs a value (write `--from=…`)"),
        ("COPY --link= a b", "Dockerfile:2:6: the flag `--link` needs a value"),
        ("COPY --link=yes a b", "Dockerfile:2:6: invalid value `yes` of `--link`: it is `true` or `false`"),
        ("COPY a", "Dockerfile:2:1: `COPY` takes at least one source and a destination"),
        (
            "COPY --from=$x a b",
            "Dockerfile:2:13: `--from` cannot hold a variable (name it with `FROM … AS name` first, which may use an `ARG` above all stages)",
        ),
        (
            "COPY [\"a\", 1]",
            "Dockerfile:2:6: a list in the JSON form holds strings only (put the item into double quotes)",
        ),
        ("ENV", "Dockerfile:2:1: `ENV` takes at least one argument"),
        ("ENV a", "Dockerfile:2:1: `ENV` takes a name and a value: `name=value`"),
        (
            "ENV a=b c",
            "Dockerfile:2:9: `c` is not of the form `name=value` (a value with blanks is put into double quotes)",
        ),
        ("LABEL =b", "Dockerfile:2:7: a name of `LABEL` is blank"),
        ("ARG =b", "Dockerfile:2:5: a name of `ARG` is blank"),
        ("ARG", "Dockerfile:2:1: `ARG` takes at least one argument"),
        ("USER", "Dockerfile:2:1: `USER` takes one argument"),
        ("SHELL", "Dockerfile:2:1: `SHELL` takes at least one argument"),
        (
            "SHELL sh -c",
            "Dockerfile:2:7: `SHELL` takes a list in the JSON form only (such as `SHELL [\"/bin/sh\", \"-c\"]`)",
        ),
        ("VOLUME [\"\"]", "Dockerfile:2:9: a name of `VOLUME` is blank"),
        ("VOLUME []", "Dockerfile:2:1: `VOLUME` takes at least one argument"),
        ("HEALTHCHECK", "Dockerfile:2:1: `HEALTHCHECK` takes `NONE`, or `CMD` and a command"),
        ("HEALTHCHECK CMD", "Dockerfile:2:1: `HEALTHCHECK` takes a command behind `CMD`"),
        ("HEALTHCHECK CMD []", "Dockerfile:2:1: `HEALTHCHECK` takes a command behind `CMD`"),
        ("HEALTHCHECK NONE x", "Dockerfile:2:1: `HEALTHCHECK` takes nothing behind `NONE`"),
        (
            "HEALTHCHECK curl x",
            "Dockerfile:2:1: `HEALTHCHECK` takes `NONE`, or `CMD` and a command (put `CMD` before the command)",
        ),
        (
            "HEALTHCHECK --interval=1 CMD x",
            "Dockerfile:2:24: invalid value `1` of `--interval`: `1` is not a duration such as `10s` or `1m30s`",
        ),
        ("HEALTHCHECK --interval=1us CMD x", "Dockerfile:2:24: invalid value `1us` of `--interval`: it is 1ms or more"),
        ("HEALTHCHECK --retries=-1 CMD x", "Dockerfile:2:23: invalid value `-1` of `--retries`: it is a number from 0"),
        ("FROM a b", "Dockerfile:2:1: `FROM` takes an image, and `AS` with a name if it is to have one"),
        (
            "FROM a AS 1b",
            "Dockerfile:2:11: invalid name of a stage `1b`: it begins with a letter, then come letters, digits, `-`, `_` and `.`",
        ),
        ("ONBUILD", "Dockerfile:2:1: `ONBUILD` takes an instruction"),
        ("ONBUILD ONBUILD RUN x", "Dockerfile:2:9: `ONBUILD` cannot be a trigger of `ONBUILD`"),
        ("ONBUILD from x", "Dockerfile:2:9: `FROM` cannot be a trigger of `ONBUILD`"),
        ("ONBUILD FRO x", "Dockerfile:2:9: unknown instruction `FRO` (did you mean `FROM`?)"),
        ("ONBUILD COPY --form=a b c", "Dockerfile:2:14: unknown flag `--form` of `COPY` (did you mean `--from`?)"),
        (
            "RUN <<EOF\nx",
            "Dockerfile:2:5: the heredoc `EOF` does not end (a line that holds `EOF` and nothing else ends it)",
        ),
        (
            "COPY a <<EOF\nEOF",
            "Dockerfile:2:8: `COPY` cannot have a heredoc as its destination (the destination comes last: `COPY <<EOF /file`)",
        ),
        (
            "RUN --network=hots x",
            "Dockerfile:2:15: invalid value `hots` of `--network`: it is one of default, none, host (did you mean `host`?)",
        ),
        ("RUN --security=x x", "Dockerfile:2:16: invalid value `x` of `--security`: it is one of sandbox, insecure"),
        (
            "RUN --mount=type=cahce,target=/a x",
            "Dockerfile:2:18: invalid value `cahce` of `type`: it is one of bind, cache, tmpfs, secret, ssh (did you mean `cache`?)",
        ),
        (
            "RUN --mount=type=cache,tagret=/a x",
            "Dockerfile:2:24: unknown option `tagret` of a mount (did you mean `target`?)",
        ),
        (
            "RUN --mount=type=bind,target=/a,size=1 x",
            "Dockerfile:2:33: a mount of type `bind` has no option `size` (it has `from`, `source`, `target`, `readonly`, `readwrite`)",
        ),
        (
            "RUN --mount=type=cache,target=/a,mode=9 x",
            "Dockerfile:2:39: invalid value `9` of `mode`: it is an octal number, such as 0400",
        ),
        (
            "RUN --mount=type=cache,target x",
            "Dockerfile:2:24: the option `target` of a mount needs a value (write `target=…`)",
        ),
        ("RUN --mount=type=secret x", "Dockerfile:2:13: which secret is to be mounted? (give its `id`, or a `target`)"),
        ("RUN --mount=type=secret,id=a,src=b x", "Dockerfile:2:13: a secret has an `id` or a `source`, not both"),
        (
            "RUN --mount=type=tmpfs,target=/a,size=big x",
            "Dockerfile:2:39: invalid value `big` of `size`: `big` is not a size such as `512m` or `1.5gb`",
        ),
        (
            "RUN --mount=from=$x,target=/a x",
            "Dockerfile:2:18: `from` cannot hold a variable (name it with `FROM … AS name` first, which may use an `ARG` above all stages)",
        ),
        (
            "RUN --device=required x",
            "Dockerfile:2:14: invalid value `required` of `--device`: it takes a name and `required`",
        ),
    ] {
        assert_eq!(mistake(text), wanted);
    }
}

#[test]
fn mistakes_of_whole_files() {
    for (text, wanted) in [
        ("", "Dockerfile:1:1: the Dockerfile has no instructions"),
        ("# only\n\n", "Dockerfile:1:7: the Dockerfile has no instructions"),
        ("ARG a", "Dockerfile:1:6: the Dockerfile has no stage to build"),
        ("RUN a\nFROM b", "Dockerfile:1:1: `RUN` stands before the first `FROM`"),
        ("# escape=x\nFROM a", "Dockerfile:1:10: invalid value `x` of the directive `escape`"),
        ("# escape=`\n# escape=`\nFROM a", "Dockerfile:2:3: the directive `escape` stands twice"),
        ("# check=skp=a\nFROM a", "Dockerfile:1:9: invalid value `skp=a` of the directive `check`"),
        ("# check=error=maybe\nFROM a", "Dockerfile:1:9: invalid value `error=maybe` of the directive `check`"),
    ] {
        assert_eq!(parse(text, "Dockerfile").unwrap_err()[0].to_string(), wanted, "{text:?}");
    }
}

#[test]
fn mistakes_look_like_those_of_compose_files() {
    insta::assert_snapshot!(mistakes(
        "# escape=`\n# escape=\\\nFROM alpine\nCPY a b\nCOPY --link --chown=1 --link a b\nRUN a `\n  | b\nRUN --mount=type=bind,`\ntargte=/x make"), @r"
    error: the directive `escape` stands twice
     --> Dockerfile:2:3
      |
    1 | # escape=`
      |   ------ first given here
    2 | # escape=\
      |   ^^^^^^

    error: unknown instruction `CPY`
     --> Dockerfile:4:1
      |
    4 | CPY a b
      | ^^^
      |
    help: did you mean `COPY`?

    error: the flag `--link` is given twice
     --> Dockerfile:5:23
      |
    5 | COPY --link --chown=1 --link a b
      |      ------           ^^^^^^
      |      |
      |      first given here

    error: unknown option `targte` of a mount
     --> Dockerfile:9:1
      |
    9 | targte=/x make
      | ^^^^^^
      |
    help: did you mean `target`?
    ");
}
