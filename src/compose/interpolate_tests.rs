//! Templates, as tables: what Docker Compose 2.40.3 makes of each.

use super::*;
use proptest::prelude::*;

fn lookup(name: &str) -> Option<Cow<'static, str>> {
    match name {
        "V" => Some("value".into()),
        "E" => Some("".into()),
        "W" => Some("w".into()),
        "D" => Some("a$V${W}".into()),
        _ => None,
    }
}

fn check(template: &str) -> Result<String, TemplateError> {
    expand(template, &lookup, &mut |_, _| {}).map(Cow::into_owned)
}

/// What docker compose 2.40.3 makes of each, with V=value, W=w, E empty, U unset and D holding dollars.
#[test]
fn values() {
    for (template, expected) in [
        ("$V", "value"),
        ("${V}", "value"),
        ("x$V.y", "xvalue.y"),
        ("${E}", ""),
        ("$E", ""),
        ("$U", ""),
        ("${U}", ""),
        ("${V:-W}", "value"),
        ("${E:-W}", "W"),
        ("${U:-W}", "W"),
        ("${V-W}", "value"),
        ("${E-W}", ""),
        ("${U-W}", "W"),
        ("${V:+W}", "W"),
        ("${E:+W}", ""),
        ("${U:+W}", ""),
        ("${V+W}", "W"),
        ("${E+W}", "W"),
        ("${U+W}", ""),
        ("${V:?W}", "value"),
        ("${V?W}", "value"),
        ("${E?W}", ""),
        ("${U:-${E:-deep}}", "deep"),
        ("${U:-a ${V} b}", "a value b"),
        ("${U:-{\"a\": 1}}", "{\"a\": 1}"),
        ("${U:-a:-b}", "a:-b"),
        ("$$V", "$V"),
        ("$${V}", "${V}"),
        ("$$$$", "$$"),
        ("$1 $ a$", "$1 $ a$"),
        ("${V:+}", ""),
        ("é${V}é", "évalueé"),
        ("${U:-}", ""),
        ("${U:-$V}", "value"),
        ("${U-$$}", "$"),
        ("${U-$$V}", "$V"),
        ("${V:+x}y", "xy"),
        ("${U:+x}y", "y"),
        ("${U:-a}b}", "ab}"),
        ("${U:-{}}", "{}"),
        ("${U:-{}", "{"),
        ("${U:-\"q\"}", "\"q\""),
        ("$$$V", "$value"),
        ("$V$W", "valuew"),
        ("$V$$", "value$"),
        ("${v}", ""),
        ("$v", ""),
        ("${V}}", "value}"),
        ("{${V}}", "{value}"),
        ("${V}${W}", "valuew"),
        ("${V:-a}${W:-b}", "valuew"),
        ("${U:-a}${U:-b}", "ab"),
        ("${U:-a}${U:+b}${U-c}", "ac"),
        ("$V}", "value}"),
        ("${U:-}}", "}"),
        ("${U:-a}}", "a}"),
        ("${U:-{a}b}", "{a}b"),
        ("${U:-{{}}}", "{{}}"),
        ("${U:-}${V}", "value"),
        ("${U:-${V}}", "value"),
        ("${U:-${V}${W}}", "valuew"),
        ("${U:-a${V:+b${W:-c}d}e}", "abwde"),
        ("${V:+${W}}", "w"),
        ("${V:+${U:-z}}", "z"),
        ("${U-a:-b}", "a:-b"),
        ("${U:-a-b}", "a-b"),
        ("${U-a?b}", "a?b"),
        ("${V-a?b}", "value"),
        ("${V:-a?b:+c}", "value"),
        ("${U:+a:-b}", ""),
        ("${V:+a:-b}", "a:-b"),
        ("${V+a-b}", "a-b"),
        ("${U:-${W:?msg}}", "w"),
        ("$_", ""),
        ("${_}", ""),
        ("$_1", ""),
        ("$V1", ""),
        ("${V1}", ""),
        ("$VV_x", ""),
        ("$-V", "$-V"),
        ("$.", "$."),
        ("$ {V}", "$ {V}"),
        ("${V:-$}", "value"),
        ("${U:-$}", "$"),
        ("${U:-$1}", "$1"),
        ("${U:-$$1}", "$1"),
        ("a$$", "a$"),
        ("a$$$", "a$$"),
        ("a$$$$", "a$$"),
        ("$", "$"),
        ("$$", "$"),
        ("$$$", "$$"),
        ("${U:-\\}}", "\\}"),
        ("${U:-\\}x}", "\\x}"),
        ("${V:-'}'}", "value'}"),
        ("${U:-'}'}", "''}"),
        ("${U:-\"}\"}", "\"\"}"),
        ("\\$V", "\\value"),
        ("\\${V}", "\\value"),
        ("${U:- a }", " a "),
        ("${U:-a'b}", "a'b"),
        ("${V:-a}-b", "value-b"),
        ("$V-b", "value-b"),
        ("$V:-b", "value:-b"),
        ("${U}-b", "-b"),
        ("a-${U}", "a-"),
        ("a?${U}", "a?"),
        ("a:-${V:+x}", "a:-x"),
        ("a-${V:+x}", "a-x"),
        ("a?b ${U:-x}", "a?b x"),
        ("{ \"a\": \"${V}\" }", "{ \"a\": \"value\" }"),
        ("{ \"a\": \"${U:-x}\" }", "{ \"a\": \"x\" }"),
        ("{{.Name}} ${V}", "{{.Name}} value"),
        ("{{.Name}} ${U:-x}", "{{.Name}} x"),
        ("${V} {{.Name}}", "value {{.Name}}"),
        ("${U:-x} {{.Name}}", "x {{.Name}}"),
        ("{${U:-x}", "{x"),
        ("}${U:-x}", "}x"),
        ("}${V}", "}value"),
        ("${V}{${U:-x}}", "value{x}"),
        ("${U:-x}{${U:-y}", "x{y"),
        ("$V ${U:-x}", "value x"),
        ("${U:-x} $V", "x value"),
        ("${V}-${U:-x}", "value-x"),
        ("${V}?${U:-x}", "value?x"),
        ("$V-${U}", "value-"),
        ("${V}+${U}", "value+"),
        ("${U:-x}+${U}", "x+"),
        ("$V${U:-x}", "valuex"),
        ("$$${U:-x}", "$x"),
        ("$${U:-x}", "${U:-x}"),
        ("$$$${U:-x}", "$${U:-x}"),
        ("${U:-x}$${U}", "x${U}"),
        ("${U:-x}$$", "x$"),
        ("$ÉV", "$ÉV"),
        ("$Vé", "valueé"),
        ("${U:-é}", "é"),
        ("a${U:-b}c${U:-d}e", "abcde"),
        ("${U:-b}$", "b$"),
        ("${U:-b}$ x", "b$ x"),
        ("}", "}"),
        ("${U:-$V}$W", "valuew"),
        ("$W${U:-$V}", "wvalue"),
        ("${U:-}-${U:-}", "-"),
        ("${U:-}${U:-}", ""),
        ("${U:-a}x${U+b}y${V:+c}z", "axycz"),
        ("${V:-${U}}", "value"),
        ("$U$U", ""),
        ("${D}", "a$V${W}"),
        ("${D}${V:-x}", "a$V${W}value"),
        ("${U:-${D}}", "a$V${W}"),
        ("$D", "a$V${W}"),
        ("${U:-{${V}}}", "{value}"),
        ("${V:-{${U}}}", "value"),
        ("${U:--}", "-"),
        ("${U:-:}", ":"),
        ("${U:-?}", "?"),
        ("${U--}", "-"),
        ("${U-:-}", ":-"),
        ("${U:+-}", ""),
        ("${V:+-}", "-"),
        ("${V+:-}", ":-"),
        ("${V:-+}", "value"),
        ("${E:-+}", "+"),
        ("${E-:+}", ""),
        ("${V:+?}", "?"),
        ("${V?:-}", "value"),
        ("${E?:-x}", ""),
        ("${U-}", ""),
        ("${E-}", ""),
        ("${V+}", ""),
        ("${E+}", ""),
        ("${U+}", ""),
        ("${E:+}", ""),
        ("${U:-a|b}", "a|b"),
        ("$V|$W", "value|w"),
        ("a\n${V}\nb", "a\nvalue\nb"),
        ("$V\n", "value\n"),
        ("x\n${U:-y}", "x\ny"),
        ("a}\n${U:-b}", "a}\nb"),
    ] {
        assert_eq!(check(template).as_deref(), Ok(expected), "{template}");
    }
}

#[test]
fn templates_that_cannot_be_read() {
    for template in [
        "${V:=x}",
        "${V=x}",
        "${V.B}",
        "${1}",
        "${}",
        "${V",
        "${V }",
        "${ V}",
        "${V:}",
        "${V!x}",
        "${V:x}",
        "${V;x}",
        "${V,}",
        "${V,,}",
        "${V^^}",
        "${#V}",
        "${V/a/b}",
        "${V%x}",
        "${",
        "${$V}",
        "${V${W}}",
        "${U:-${V}",
        "${U:-${V:-x}",
        "${ÉV}",
        "${Vé}",
        "${U:-b}${",
        "${V}${",
        "${V} ${V x}",
        "${V x} ${V}",
        "${U:-a${V x}}",
        "${U:-${}}",
        "${V:-${}}",
        "${V:-${1}}",
        "${V:+${}}",
        "${U:+${}}",
        "${V:?${}}",
        "${U:-a\nb}",
        "${V:-a\nb}",
        "${U:-\n}",
        "${V\n}",
        "${U:-${V}\n}",
        "${U\n:-y}",
    ] {
        assert!(matches!(check(template), Err(TemplateError::Invalid(_))), "{template}: {:?}", check(template));
    }
}

#[test]
fn required_variables() {
    for (template, expected) in [
        ("${E:?W}", "E is missing a value: W"),
        ("${U:?W}", "U is missing a value: W"),
        ("${U?W}", "U is missing a value: W"),
        ("${U:?}", "U is missing a value"),
        ("${U?}", "U is missing a value"),
        ("${U:-a} ${V:+b} ${U:?c}", "U is missing a value: c"),
        ("${U:?need $V}", "U is missing a value: need value"),
        ("${U:?need ${V}}", "U is missing a value: need value"),
        ("${U?a:-b}", "U is missing a value: a:-b"),
        ("${U?x:?y}", "U is missing a value: x:?y"),
        ("${V:-${U:?msg}}", "U is missing a value: msg"),
        ("${V:-${U?msg}}", "U is missing a value: msg"),
        ("${U:?-}", "U is missing a value: -"),
        ("${U?:-}", "U is missing a value: :-"),
        ("${E:?:-x}", "E is missing a value: :-x"),
    ] {
        let Err(TemplateError::Required { name, message, .. }) = check(template) else { panic!("{template}") };
        let colon = if message.is_empty() { "" } else { ": " };
        assert_eq!(format!("{name} is missing a value{colon}{message}"), expected, "{template}");
    }
}

#[test]
fn mistakes_have_a_place() {
    for (template, at) in [
        ("a ${V", 2..5),
        ("${}", 0..3),
        ("${1} }", 0..4),
        ("${V!x}", 0..6),
        ("${V:x}", 0..6),
        ("${", 0..2),
        ("x${U:-a\nb}", 1..7),
        ("${U:-a${1}}", 6..10),
    ] {
        assert_eq!(check(template), Err(TemplateError::Invalid(at)), "{template}");
    }
    assert!(matches!(check("a${U:?${E}}b"), Err(TemplateError::Required { range: Range { start: 1, end: 11 }, .. })));
    assert!(check(&"${U:-".repeat(10_000)).is_err());
    assert!(check(&format!("{}{}", "${U:-".repeat(10_000), "}".repeat(10_000))).is_err());
    assert_eq!(check(&format!("{}{}", "${U:-".repeat(60), "}".repeat(60))).as_deref(), Ok(""));
}

#[test]
fn only_what_is_used_is_missed() {
    for (template, expected) in
        [("$U ${X}", "U X"), ("${V:-$U} ${U:+$X} ${V:?$X}", ""), ("${E:-$U} ${V:+$X}", "U X"), ("${V:-${U:-$X}}", "")]
    {
        let mut missed = Vec::new();
        expand(template, &lookup, &mut |name, _| missed.push(name.to_owned())).unwrap();
        assert_eq!(missed.join(" "), expected, "{template}");
    }
}

#[test]
fn long_templates_take_linear_time() {
    let many = 50_000;
    for template in ["$V", "${V}", "${U:-x}", "${U:-{}", "${V:-${V}}", "{", "}"].map(|part| part.repeat(many)) {
        let _ = check(&template);
        let _ = crate::compose::template::variables(&template);
    }
}

proptest! {
    #[test]
    fn never_panics(template in r"[$\{\}:?+\-VEUé ]{0,30}") {
        let _ = check(&template);
    }

    #[test]
    fn text_without_dollars_is_itself(text in "[^$]{0,40}") {
        prop_assert_eq!(check(&text).unwrap(), text);
    }

    #[test]
    fn doubling_dollars_protects_any_text(text in ".{0,40}") {
        prop_assert_eq!(check(&text.replace('$', "$$")).unwrap(), text);
    }
}
