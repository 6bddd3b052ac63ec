//! Templates of Go over plain values: what `--format` takes. See <https://pkg.go.dev/text/template>.
//!
//! Fields and variables, `range`, `if`, `with`, pipes, `json`, `len`, `index`, `join`, `split`, `upper`, `lower`, `title`,
//! `print`, `println`, `printf`, `truncate`, `pad`, `eq`, `ne`, `not`, `and` and `or`; a map takes a key: `.Label "name"`.

mod evaluate;
mod parse;

use serde_json::Value;

/// Why a template cannot be obeyed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("template: {0}")]
pub struct TemplateError(String);

/// `template` with its actions replaced by what they say of `value`.
///
/// # Errors
/// [`TemplateError`] for what is no template, and for what `value` does not have.
pub fn render(template: &str, value: &Value) -> Result<String, TemplateError> {
    let nodes = parse::parse(template)?;
    evaluate::evaluate(&nodes, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_actions_say() {
        let value = serde_json::json!({
            "Name": "lab",
            "Labels": {"a": "1", "b": "2"},
            "IPAM": {"Config": [{"Subnet": "10.0.0.0/24"}, {"Subnet": "fd00::/64"}]},
            "Internal": false,
            "Nothing": null,
        });
        for (template, expected) in [
            ("plain", "plain"),
            ("{{.Name}}", "lab"),
            ("{{ .Name | upper }}!", "LAB!"),
            ("{{json .Labels}}", r#"{"a":"1","b":"2"}"#),
            ("{{range .IPAM.Config}}<{{.Subnet}}>{{end}}", "<10.0.0.0/24><fd00::/64>"),
            ("{{range $k, $v := .Labels}}{{$k}}={{$v}} {{end}}", "a=1 b=2 "),
            ("{{range $v := .Labels}}{{$v}}{{$.Name}}{{end}}", "1lab2lab"),
            ("{{range .Nothing}}x{{else}}none{{end}}", "none"),
            ("{{if .Internal}}in{{else if .Name}}out{{else}}?{{end}}", "out"),
            ("{{with .IPAM}}{{len .Config}}{{end}}", "2"),
            ("{{(index .IPAM.Config 1).Subnet}}", "fd00::/64"),
            ("{{index .Labels \"b\"}}{{index .Labels \"c\"}}", "2"),
            ("{{.Labels.a}} {{.Labels.c}}", "1 <no value>"),
            ("{{printf \"%s-%d-%q%%\" .Name 7 .Name}}", "lab-7-\"lab\"%"),
            ("a {{- /* why */ -}} b", "ab"),
            ("{{if and (eq .Name \"lab\") (not .Internal)}}yes{{end}}", "yes"),
            ("{{join (split \"a,b\" \",\") \"+\"}}", "a+b"),
            ("{{$x := .Name}}{{$x}}", "lab"),
            ("{{.Labels \"b\"}}{{.Labels \"c\"}}", "2"),
            ("{{truncate .Name 2}}|{{pad .Name 1 2}}|", "la| lab  |"),
            ("{{.Internal}} {{.Labels}}", "false map[a:1 b:2]"),
        ] {
            assert_eq!(render(template, &value).as_deref(), Ok(expected), "{template}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        let value = serde_json::json!({"Name": "lab", "Scope": "local"});
        let message = |template| render(template, &value).unwrap_err().to_string();
        for (template, expected) in [
            ("{{.Nmae}}", "template: there is no field Nmae; there are Name, Scope"),
            ("{{.Name", "template: `{{` without `}}`"),
            ("{{range .Name}}", "template: `range` without `end`"),
            ("{{end}}", "template: `end` without a beginning"),
            ("{{frob .Name}}", "template: there is no function `frob`"),
            ("{{.Name \"X\"}}", "template: only functions take arguments"),
            ("{{.Name.X}}", "template: there is no field X in text"),
            ("{{$y}}", "template: there is no variable $y"),
            ("{{\"a}}", "template: a text without its end"),
        ] {
            assert_eq!(message(template), expected, "{template}");
        }
    }
}
