//! The grammar of env files, as tables: what Docker Compose 2.40.3 makes of each text.

use super::*;
use proptest::prelude::*;

fn lookup(name: &str) -> Option<String> {
    match name {
        "V" => Some("value".to_owned()),
        "E" => Some(String::new()),
        _ => None,
    }
}

fn check(text: &str) -> Result<Assignments, EnvFileError> {
    parse(text, &lookup, &|_| None)
}

/// What a service has of the file, in the order of names.
fn shown(assignments: Assignments) -> String {
    let known = |found: Assignment| Some((found.value.or_else(|| lookup(&found.name))?, found.name));
    let last: std::collections::BTreeMap<_, _> =
        assignments.into_iter().filter_map(known).map(|(value, name)| (name, value)).collect();
    last.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

/// What docker compose 2.40.3 gives a service for each file, with V=value and E empty in the environment.
#[test]
fn files() {
    for (text, expected) in [
        ("K=v", "K=v"),
        ("export K=v", "K=v"),
        ("export  K=v", "K=v"),
        ("export\tK=v", "K=v"),
        ("export\n", ""),
        ("export=1", "export=1"),
        ("exportK=1", "exportK=1"),
        ("export K: v", "K=v"),
        ("K: v", "K=v"),
        ("K:v", "K=v"),
        ("K :v", "K=v"),
        ("K : v", "K=v"),
        ("K = v", "K=v"),
        ("K\t=\tv", "K=v"),
        ("  K=v", "K=v"),
        ("\tK=v", "K=v"),
        ("\u{feff}K=v", "K=v"),
        ("K=v # c", "K=v"),
        ("K=v#c", "K=v#c"),
        ("K=#c", "K=#c"),
        ("K= #c", "K=#c"),
        ("K=  #c", "K=#c"),
        ("K=v\t#c", "K=v\t#c"),
        ("K=", "K="),
        ("K=\n", "K="),
        ("K= ", "K="),
        ("K=\"\"", "K="),
        ("K=''", "K="),
        ("K=\"a\"b=2", "K=a b=2"),
        ("K=\"a\" b=2", "K=a b=2"),
        ("K=\"a\"# c", "K=a"),
        ("K=\"a\" # c", "K=a"),
        ("K='a' # c", "K=a"),
        ("K=a\"b\"", "K=a\"b\""),
        ("K=a'b", "K=a'b"),
        ("K=a b  c ", "K=a b  c"),
        ("K=a=b", "K=a=b"),
        ("K=a:b", "K=a:b"),
        ("K:a=b", "K=a=b"),
        ("K=a\\nb", "K=a\\nb"),
        ("K=a\\", "K=a\\"),
        ("K=\"a\\nb\"", "K=a\nb"),
        ("K=\"a\\tb\\\"c\\\\d\\$V\\qe\\cf\"", "K=a\tb\"c\\d$V\\qe\\cf"),
        ("K='a\\'b\\\"c\\\\d\\n'", "K=a'b\\\"c\\\\d\\n"),
        ("K=\"\\0101\\01\\0\\0777\\0888\\0303\\01011\"", "K=A\\1\\\\777\\888ÃA1"),
        ("K=\"a\\a\\b\\f\\v\\r\"", "K=a\u{7}\u{8}\u{c}\u{b}\r"),
        ("K=\"a\nb\"", "K=a\nb"),
        ("K='a\nb'", "K=a\nb"),
        ("K=\"a\r\nb\"\r\nL=1\r\n", "K=a\r\nb L=1"),
        ("K=v\r\nL=w\r\n", "K=v L=w"),
        ("K\r\nL=w\r\n", "L=w"),
        ("K\r\n", ""),
        ("K=a\rb\nL=1", "K=a\rb L=1"),
        ("K\n", ""),
        ("L\n", ""),
        ("K\nV\n", "V=value"),
        ("V\n", "V=value"),
        ("V =\n", "V="),
        ("# c\nK=v", "K=v"),
        ("#c", ""),
        ("#c\n#d\n\n\nK=v\n", "K=v"),
        ("K=v\n#c", "K=v"),
        ("  # c\nK=v", "K=v"),
        ("K-L=1", "K-L=1"),
        ("K.L=1", "K.L=1"),
        ("K[0]=1", "K[0]=1"),
        ("1K=1", "1K=1"),
        ("1=2", "1=2"),
        ("é=1", "é=1"),
        ("-=1", "-=1"),
        (".=1", ".=1"),
        ("K=é", "K=é"),
        ("K=$V", "K=value"),
        ("K=${V}", "K=value"),
        ("K=$$V", "K=$V"),
        ("K=\\$V", "K=\\value"),
        ("K=\"$V\"", "K=value"),
        ("K=\"\\$V\"", "K=$V"),
        ("K=\"$$V\"", "K=$V"),
        ("K='$V'", "K=$V"),
        ("K=${U:-d}", "K=d"),
        ("K=$U", "K="),
        ("K=${U}", "K="),
        ("A=1\nB=${A}2\nC=$B", "A=1 B=12 C=12"),
        ("A=1\nA=2\nB=$A", "A=2 B=2"),
        ("B=$A\nA=1", "A=1 B="),
        ("V=file\nB=$V", "B=value V=file"),
        ("V=file\nB=$V\n", "B=value V=file"),
        ("K=\"x\\\\\"", "K=x\\"),
        ("K=\"x\\\\\\\"\"", "K=x\\\""),
        ("K='x\\\\'", "K=x\\\\"),
        ("K= \"a\"", "K=a"),
        ("K=\t'a' ", "K=a"),
        ("K=\u{a0}v\u{a0}", "K=v"),
        ("\u{a0}K=v", "K=v"),
        ("K\u{a0}=v", "K=v"),
        ("\u{2003}K=v", "K=v"),
        ("K=\u{2003}v", "K=\u{2003}v"),
        ("K=v\u{0}w", "K=v\u{0}w"),
        ("K: \"v\"", "K=v"),
        ("K: 'v'", "K=v"),
        ("K:", "K="),
        ("K:\n", "K="),
        ("K : \n", "K="),
        ("A=1;B=2", "A=1;B=2"),
        ("A=1,B=2", "A=1,B=2"),
        ("K = \"v\"", "K=v"),
        ("export K=\"v\"", "K=v"),
        ("export A=1 B=2", "A=1 B=2"),
        ("A=`x`", "A=`x`"),
        ("K=a # b # c", "K=a"),
        ("K=a#b # c", "K=a#b"),
        ("K=\"a # b\"", "K=a # b"),
        ("K={\"a\": \"${V}\"}", "K={\"a\": \"value\"}"),
        ("K=[1, 2]", "K=[1, 2]"),
        ("K=\\\"a\\\"", "K=\\\"a\\\""),
        ("K=\"a${U:-b}c\"", "K=abc"),
        ("K=${U:-a b} # c", "K=a b"),
        ("K=$V # c", "K=value"),
        ("K=\"x\" L=\"y\"\nM=1", "K=x L=y M=1"),
        ("K=\"x\"\n\n\n  L=1", "K=x L=1"),
        ("K=1\n  \t\nL=2", "K=1 L=2"),
        ("K=\n\nL=2", "K= L=2"),
        ("K=\nL=2", "K= L=2"),
        ("K=   \nL=2", "K= L=2"),
        ("K\n\nL=2", "L=2"),
        ("K=a\n b\nc=1", "K=a c=1"),
        ("[x]=1", "[x]=1"),
        ("[section]\nK=1", "K=1"),
        ("K=v\u{2028}w", "K=v\u{2028}w"),
        ("K==1", "K==1"),
        ("K=:1", "K=:1"),
        ("K:=1", "K==1"),
        ("K: =1", "K==1"),
        ("\n", ""),
        ("", ""),
        ("\r\n", ""),
        (" ", ""),
        ("\u{feff}", ""),
        ("\u{feff}\n", ""),
        ("K=\u{feff}v", "K=\u{feff}v"),
        ("A=1\nexport\nB=2", "A=1 B=2"),
    ] {
        assert_eq!(check(text).map(shown).as_deref(), Ok(expected), "{text:?}");
    }
}

#[test]
fn files_that_cannot_be_read() {
    for text in [
        "K='a'\"b\"",
        "K #c\n",
        "V #c\n",
        "V # c",
        "A B=1",
        "A B\n",
        "K!=1",
        "K$=1",
        "K*=1",
        "K=${U:?need}",
        "K=${",
        "K=\"${\"",
        "K=\"x",
        "K='x",
        "K=\"x\ny",
        "A=1\nK=\"x\ny\nz",
        "K='x\"",
        "K=\"x'",
        "K=x\"\nL=\"y",
        "K=\"x\\\"",
        "K='x\\'",
        "K=\"a\"\"b\"",
        "K=\"a\" \"b\"\n",
        "K\u{0}=1",
        "K=v\n\u{0}",
        "\"K\"=1",
        "'K'=1",
        "{a: 1}",
        "K=\"${V:-\"x\"}\"",
        "K=\"${U:-a\nb}\"",
        "K=${U:-a #b}",
        "- K=1",
        "K=1\nfoo bar\n",
        "%=1",
        "K+=1",
        "K?=1",
        "K/L=1",
        "K@L=1",
        "K(L)=1",
        "K~=1",
        "K<1",
        "\n\u{feff}K=v",
        "export export A=1",
        "export A B=1",
    ] {
        assert!(check(text).is_err(), "{text:?}: {:?}", check(text));
    }
}

#[test]
fn slips_that_are_not_repeated() {
    for (text, expected) in [("V", "V=value"), ("K", ""), ("export V", "V=value"), ("export", ""), ("K=\"a\"b", "K=a")]
    {
        assert_eq!(check(text).map(shown).as_deref(), Ok(expected), "{text:?}");
    }
    for text in ["=1", "  = v", ":1", "K\n=1", "A\tB=1", "A\tB\n", "foo bar"] {
        assert!(check(text).is_err(), "{text:?}");
    }
}

#[test]
fn a_file_sees_itself_before_earlier_files() {
    let earlier = |name: &str| matches!(name, "A" | "V").then(|| "earlier".to_owned());
    let seen = |text: &str| parse(text, &lookup, &earlier).unwrap().pop().unwrap().value.unwrap();
    assert_eq!(["X=$A", "A=own\nX=$A", "A\nX=$A", "V=own\nX=$V"].map(seen), ["earlier", "own", "earlier", "value"]);
}

#[test]
fn mistakes() {
    for (text, range, reason) in [
        ("A=1\nK='x\ny", 6..8, "unterminated quoted value"),
        ("A B=1", 0..3, "a variable name cannot contain blanks"),
        ("=1", 0..2, "expected a variable name"),
        ("K=\"a\"\"b\"", 5..6, "unexpected '\"' in a variable name"),
        ("K=a${", 3..5, "invalid interpolation format `${`"),
        ("K=\"a\\n ${1}\"", 7..11, "invalid interpolation format `${1}`"),
        ("K=${U:?need it}", 2..15, "required variable `U` is missing a value: need it"),
        ("K #c", 2..3, "unexpected '#' in a variable name"),
    ] {
        assert_eq!(check(text), Err(EnvFileError { range, reason: reason.to_owned() }), "{text}");
    }
}

#[test]
fn assignments_have_a_place() {
    let text = "A=1 # c\nexport B: 'x\ny' C=\nD\n E = \"$A\" #\nF=a b \n";
    let places: Vec<_> = check(text).unwrap().into_iter().map(|found| &text[found.range]).collect();
    assert_eq!(places, ["A=1", "B: 'x\ny'", "C=", "D", "E = \"$A\"", "F=a b"]);
    let text = "A=\"1\" \r\n B\n";
    let places: Vec<_> = parse_raw(text).unwrap().into_iter().map(|found| &text[found.range]).collect();
    assert_eq!(places, ["A=\"1\" ", "B"]);
}

#[test]
fn the_raw_format_keeps_everything() {
    for (text, expected) in [
        ("K=v", "K=v"),
        ("K=\"v\"", "K=\"v\""),
        ("K=v # c", "K=v # c"),
        ("# c\nK=v", "K=v"),
        ("  K=v", "K=v"),
        ("K=  v  ", "K=  v  "),
        ("K", ""),
        ("V", "V=value"),
        ("V\n", "V=value"),
        ("K=v\r\nL=w\r\n", "K=v L=w"),
        ("\u{feff}K=v", "K=v"),
        ("K=", "K="),
        ("K==1", "K==1"),
        ("K=$V", "K=$V"),
        ("\n\n", ""),
        ("K=a\nK=b", "K=b"),
        (" # c", ""),
        ("K='a\nb'", "K='a"),
        ("K=v\u{0}", "K=v\u{0}"),
        ("\u{a0}K=v", "K=v"),
        ("K#=1", "K#=1"),
        ("é=1", "é=1"),
    ] {
        assert_eq!(parse_raw(text).map(shown).as_deref(), Ok(expected), "{text:?}");
    }
    for text in ["K = v", "K =v", "=1", "export K=v", "K: v", "A B", "K\tL=1"] {
        assert!(parse_raw(text).is_err(), "{text:?}");
    }
}

#[test]
fn long_files_take_linear_time() {
    let lines: String = (0..50_000).map(|number| format!("K{number}=$K{}\n", number / 2)).collect();
    assert_eq!(check(&lines).unwrap().len(), 50_000);
    assert_eq!(parse_raw(&lines).unwrap().len(), 50_000);
    for text in ["#\n", "\"", "K=\"\" ", "'", "export ", "export\n", "K\n", "K:"].map(|part| part.repeat(100_000)) {
        let _ = check(&text);
    }
}

proptest! {
    #[test]
    fn never_panics(text in "[A-C=:'\"\\\\$\\{\\}# \n\r\té\u{a0}0-9]{0,60}") {
        for found in check(&text).into_iter().chain(parse_raw(&text)).flatten() {
            prop_assert!(text[found.range].starts_with(&found.name));
        }
    }
}
