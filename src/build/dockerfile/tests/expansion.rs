//! Tables for variables, quotes and escapes.

use super::{read, value, word};
use crate::build::dockerfile::{Expansion, InstructionKind, TransferSource, Word};

#[test]
fn words_are_expanded() {
    for (text, wanted) in [
        ("$a", "A"),
        ("${a}", "A"),
        ("$a$a", "AA"),
        ("x$a-y", "xA-y"),
        ("$ab", ""),
        ("${a}b", "Ab"),
        ("\\$a", "$a"),
        ("\\\\$a", "\\A"),
        ("'$a'", "$a"),
        ("\"$a\"", "A"),
        ("\"\\$a \\x \\\" \\\\\"", "$a \\x \" \\"),
        ("a\\ b", "a b"),
        ("\"a b\"'c d'e", "a bc de"),
        ("$", "$"),
        ("$ a", "$ a"),
        ("$-x", "x"),
        ("$1x", "x"),
        ("$ä", "umlaut"),
        ("${none:-x}", "x"),
        ("${none-x}", "x"),
        ("${blank:-x}", "x"),
        ("${blank-x}", ""),
        ("${a:-x}", "A"),
        ("${none:+x}", ""),
        ("${none+x}", ""),
        ("${blank:+x}", ""),
        ("${blank+x}", "x"),
        ("${a:+x}", "x"),
        ("${a:?x}", "A"),
        ("${a?x}", "A"),
        ("${blank?x}", ""),
        ("${none:-${a}}", "A"),
        ("${none:-${none2:-\"a } b\"}}", "a } b"),
        ("${none:-\\}}", "}"),
        ("${none:-}", ""),
        ("${path#*/}", "usr/local/lib.so.1"),
        ("${path##*/}", "lib.so.1"),
        ("${path%.*}", "/usr/local/lib.so"),
        ("${path%%.*}", "/usr/local/lib"),
        ("${path#/usr}", "/local/lib.so.1"),
        ("${path#$none}", "/usr/local/lib.so.1"),
        ("${path/l/L}", "/usr/Local/lib.so.1"),
        ("${path//l/L}", "/usr/LocaL/Lib.so.1"),
        ("${path//\\//_}", "_usr_local_lib.so.1"),
        ("${path/\\/usr/}", "/local/lib.so.1"),
        ("${star#a\\*}", "b*c"),
        ("${star//\\*/}", "abc"),
        ("${none#x}", ""),
        ("a\\", "a"),
    ] {
        let word = word(text);
        assert_eq!(Expansion::new('\\', &value).word(&word).unwrap(), wanted, "{text}");
    }
    assert_eq!(Expansion::new('`', &value).word(&word("`$a \\$a \"`$\\\"")).unwrap(), "$a \\A $\\");
}

#[test]
fn words_are_split_where_there_may_be_many() {
    for (text, wanted) in [
        ("$two", &["x", "y"][..]),
        ("\"$two\"", &["x y"]),
        ("a$two", &["ax", "y"]),
        ("$blank", &[]),
        ("\"\"", &[]),
        ("80${a:+ 90}", &["80", "90"]),
    ] {
        assert_eq!(Expansion::new('\\', &value).words(&word(text)).unwrap(), wanted, "{text}");
    }
}

#[test]
fn what_cannot_be_expanded() {
    for (text, wanted) in [
        ("${none:?}", "the variable `none` is not set"),
        ("${none?too bad}", "the variable `none` is not set: too bad"),
        ("${blank:?$a}", "the variable `blank` is blank: A"),
        ("${a", "missing `}`"),
        ("${", "missing `}`"),
        ("${a:", "missing `}`"),
        ("${a:-b", "missing `}`"),
        ("${a/b}", "missing `/`"),
        ("${a/b/c", "missing `}`"),
        ("${}", "a name has to stand behind `${`"),
        ("${:a}", "a name has to stand behind `${`"),
        ("${{a}}", "a name has to stand behind `${`"),
        ("${a=b}", "`=` has no meaning behind a name"),
        ("${a:#b}", "`:#` has no meaning behind a name"),
        ("'a", "a single quote is not closed"),
        ("\"a", "a double quote is not closed"),
        ("${a#\\b}", "`\\b` has no meaning in a pattern"),
    ] {
        let mistake = Expansion::new('\\', &value).word(&word(text)).unwrap_err();
        assert_eq!(mistake.kind.to_string(), wanted, "{text}");
    }
}

#[test]
fn instructions_are_expanded_by_their_kind() {
    let expanded = |text: &str| {
        let instruction = &read(text)[0];
        let expansion = Expansion::new('\\', &value);
        match instruction.expanded(&expansion).unwrap() {
            InstructionKind::Env(pairs) | InstructionKind::Label(pairs) => {
                pairs.iter().map(|pair| format!("{}={}", pair.key.text, pair.value.text)).collect()
            }
            InstructionKind::Copy(copy) => {
                let source = |source: &TransferSource| match source {
                    TransferSource::Path(path) => path.text.clone(),
                    TransferSource::Inline(heredoc) => heredoc.content(),
                };
                let option = |word: &Option<Word>| word.as_ref().map(|word| word.text.clone());
                let mut all: Vec<String> = copy.sources.iter().map(source).collect();
                all.push(copy.destination.text.clone());
                all.extend(option(&copy.chown));
                all.extend(copy.exclude.iter().map(|word| word.text.clone()));
                all
            }
            InstructionKind::Expose(words) | InstructionKind::Volume(words) => {
                words.into_iter().map(|word| word.text).collect()
            }
            InstructionKind::Workdir(word) | InstructionKind::User(word) | InstructionKind::Stopsignal(word) => {
                vec![word.text]
            }
            InstructionKind::Cmd(command) => vec![format!("{:?}", command.program())],
            InstructionKind::Maintainer(word) => vec![word.text],
            other => panic!("{other:?}"),
        }
    };
    for (text, wanted) in [
        ("ENV a=1 b=$a", &["a=1", "b=A"][..]),
        ("ENV x \"$a\" y", &["x=A y"]),
        ("LABEL $a='$a'", &["A=$a"]),
        ("COPY --chown=$a --exclude=$a $a [x] /$a", &["A", "[x]", "/A", "A", "$a"]),
        ("COPY [\"$a\", \"b\"]", &["A", "b"]),
        ("COPY <<E <<'F' /\n$a \"q\" \\$a\nE\n$a\nF", &["A \"q\" $a\n", "$a\n", "/"]),
        ("COPY <<-E /\n\t\\\t$a\n\tE", &["\tA\n", "/"]),
        ("EXPOSE $two 3", &["x", "y", "3"]),
        ("VOLUME /$a", &["/A"]),
        ("WORKDIR ${path%/*}", &["/usr/local"]),
        ("USER $a", &["A"]),
        ("STOPSIGNAL $a", &["A"]),
        ("CMD echo $a", &["Shell(\"echo $a\")"]),
        ("MAINTAINER $a", &["$a"]),
    ] {
        let found: Vec<String> = expanded(text);
        assert_eq!(found, wanted, "{text}");
    }
    let mistake = read("VOLUME $none")[0].expanded(&Expansion::new('\\', &value)).unwrap_err();
    assert_eq!(mistake.to_string(), "Dockerfile:2:8: a name of `VOLUME` is blank");
}

#[test]
fn what_is_used_is_told() {
    let instruction = &read("WORKDIR /$a/${none:-$other}/${blank#x}")[0];
    let expansion = Expansion::new('\\', &value);
    instruction.expanded(&expansion).unwrap();
    let uses: Vec<_> =
        expansion.uses().into_iter().map(|used| (used.name, used.span.text().to_owned(), used.set)).collect();
    let wanted = [("a", "$a", true), ("other", "$other", false), ("none", "${none", false), ("blank", "${blank", true)];
    assert_eq!(uses, wanted.map(|(name, text, set)| (name.to_owned(), text.to_owned(), set)));
}
