//! Tables for `.dockerignore`: rules, and what they leave out.

use proptest::prelude::*;

use super::*;

#[test]
fn one_pattern() {
    for (pattern, excluded, kept) in [
        ("a", &["a", "a/b", "a/b/c"][..], &["b", "ab", "b/a", "A"][..]),
        ("/a", &["a", "a/b"], &["b/a"]),
        ("a/", &["a", "a/b"], &["b/a"]),
        ("./a", &["a", "a/b"], &["b/a"]),
        ("a//b/../c", &["a/c"], &["a", "a/b"]),
        ("*", &["a", "a/b", ".git"], &[]),
        ("*.o", &["a.o", ".o", "a.o/b"], &["b/a.o", "a.oo", "axo"]),
        ("*/a", &["x/a", "x/a/b"], &["a", "x/y/a"]),
        ("*/*/a", &["x/y/a"], &["x/a", "a"]),
        ("a?", &["ab", "aé", "ab/c"], &["a", "abc", "a/b"]),
        ("a[0-9]", &["a0", "a5"], &["a", "ax", "a00"]),
        ("a[^0-9]", &["ax"], &["a0"]),
        ("a[!x]", &["a!", "ax"], &["ay"]),
        ("a[\\]x]", &["a]", "ax"], &["ay"]),
        ("a[[x&&x]b", &["a[b", "axb", "a&b"], &["ab"]),
        ("a\\*", &["a*"], &["ab", "a"]),
        ("a.b", &["a.b"], &["axb"]),
        ("a+(b){c}|$", &["a+(b){c}|$"], &["aab"]),
        ("**", &["a", "a/b", ".x"], &[]),
        ("**/a", &["a", "x/a", "x/y/a", "x/a/b"], &["xa", "ax"]),
        ("**/*.o", &["a.o", "x/a.o", "x/y/a.o"], &["a.c"]),
        ("**a", &["a", "xa", "x/ya"], &["ab"]),
        ("a**", &["a", "ab", "a/b", "ab/c"], &["ba"]),
        ("a/**", &["a/b", "a/b/c"], &["a", "ab"]),
        ("a/**/b", &["a/b", "a/x/b", "a/x/y/b", "a/b/c"], &["a", "ab", "b"]),
        ("**/a/**", &["a/b", "x/a/b"], &["a", "x/a"]),
        ("**/a**", &["a", "x/ab", "x/ab/c"], &["xa"]),
        ("..", &[], &["a", "a/b"]),
        ("../a", &[], &["a"]),
        (".", &[], &["a"]),
        ("/", &[], &["a"]),
        (" a b ", &["a b"], &["a", "b"]),
        ("\\#a", &["#a"], &["a"]),
        ("#a", &[], &["#a", "a"]),
        ("a\r", &["a"], &[]),
        ("\u{feff}a", &["a"], &[]),
    ] {
        let ignore = Ignore::parse(pattern).unwrap();
        for path in excluded {
            assert!(ignore.excludes(path), "{pattern}: {path} is to be left out");
        }
        for path in kept {
            assert!(!ignore.excludes(path), "{pattern}: {path} is to be kept");
        }
    }
}

#[test]
fn the_last_rule_that_matches_decides() {
    for (text, excluded, kept) in [
        ("*\n!a", &["b", "b/a"][..], &["a", "a/b"][..]),
        ("!a\n*", &["a", "b"], &[]),
        ("a\n!a/b", &["a", "a/c"], &["a/b", "a/b/c"]),
        ("a\n!a/b\na/b/c", &["a/b/c", "a/x"], &["a/b", "a/b/d"]),
        ("*.md\n!README*.md\nREADME-secret.md", &["x.md", "README-secret.md"], &["README.md", "README-a.md"]),
        ("**\n!**/*.rs", &["a", "src/a.c"], &["a.rs", "src/a.rs", "src/b/c.rs"]),
        ("*\n!/src", &["a"], &["src", "src/a"]),
        ("*\n! src", &["a"], &["src"]),
        ("*\n!src/", &["a"], &["src/b"]),
        ("a\n# !a\n\n  \n", &["a"], &["# !a"]),
    ] {
        let ignore = Ignore::parse(text).unwrap();
        for path in excluded {
            assert!(ignore.excludes(path), "{text}: {path} is to be left out");
        }
        for path in kept {
            assert!(!ignore.excludes(path), "{text}: {path} is to be kept");
        }
    }
}

#[test]
fn directories_are_entered_where_something_is_kept() {
    for (text, pruned, entered) in [
        ("a", &["a", "a/b"][..], &["b"][..]),
        ("node_modules\n!keep", &["node_modules", "node_modules/x"], &["keep"]),
        ("a\n!a/b/c", &["a/x", "a/b/x"], &["a", "a/b", "a/b/c", "a/b/c/d"]),
        ("a\n!a/*/c", &["a/b/x", "a/b/x/c"], &["a", "a/b"]),
        ("a\n!a/b*/c", &["a/x"], &["a", "a/bb"]),
        ("*\n!**/*.rs", &[], &["a", "a/b/c"]),
        ("*\n!a/**", &["b"], &["a", "a/b"]),
        ("!a/b\na", &["a", "a/b"], &[]),
        ("a\n!a[/]b", &[], &["a"]),
        ("", &[], &["a"]),
    ] {
        let ignore = Ignore::parse(text).unwrap();
        for path in pruned {
            assert!(ignore.prunes(path), "{text}: {path} need not be entered");
        }
        for path in entered {
            assert!(!ignore.prunes(path), "{text}: {path} has to be entered");
        }
    }
}

#[test]
fn what_is_no_pattern_is_named() {
    for (text, wanted) in [
        ("a\n!", "line 2: `!` is no pattern: there is nothing behind the `!`"),
        ("a[", "line 1: `a[` is no pattern: a class is not closed with `]`"),
        ("a[]", "line 1: `a[]` is no pattern: a class has a `-` or a `]` where a character has to be"),
        ("a[-b]", "line 1: `a[-b]` is no pattern: a class has a `-` or a `]` where a character has to be"),
        ("[b-a]", "line 1: `[b-a]` is no pattern: a range in a class ends before it begins"),
        ("a\\", "line 1: `a\\` is no pattern: it ends with a `\\`"),
    ] {
        assert_eq!(Ignore::parse(text).unwrap_err().to_string(), wanted);
    }
}

#[test]
fn the_rule_that_decides_is_told() {
    let ignore = Ignore::parse("# all\n*.log\n\nsecret").unwrap();
    assert_eq!(
        [ignore.excluded_by("a.log"), ignore.excluded_by("secret/x"), ignore.excluded_by("a")],
        [Some(2), Some(4), None]
    );
    assert!(!ignore.keeps_some() && !ignore.excludes_root() && !ignore.is_empty());
    assert!(Ignore::parse("**/*\n!a").unwrap().excludes_root());
    let ignore = Ignore::of(["#a", "*.o", "!b.o"]).unwrap();
    assert_eq!(["#a", "a.o", "b.o"].map(|path| ignore.excludes(path)), [true, true, false]);
}

proptest! {
    /// What is pruned has nothing in it that is kept.
    #[test]
    fn nothing_is_kept_in_what_is_pruned(
        rules in proptest::collection::vec("!?(a|b|[*]|[?]|[*][*]|\\[ab\\]|\\[\\^a\\]|ab)(/(a|b|[*]|[*][*]|ab)){0,2}", 1..6),
        directory in "(a|b|ab)(/(a|b|ab)){0,2}",
        below in "(a|b|ab)(/(a|b|ab)){0,2}",
    ) {
        let ignore = Ignore::parse(&rules.join("\n")).unwrap();
        if ignore.prunes(&directory) {
            let path = format!("{directory}/{below}");
            prop_assert!(ignore.excludes(&path), "{path}");
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[ -~\\n]{0,40}", path in "[a-c/.]{0,12}") {
        if let Ok(ignore) = Ignore::parse(&text) {
            let _ = (ignore.excludes(&path), ignore.prunes(&path));
        }
    }
}
