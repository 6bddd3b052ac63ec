//! What `--format` of lists means, as docker has it: `table`, `json`, a template, or `table TEMPLATE` for columns.

use serde_json::Value;

use super::table::columns;
use super::template::{TemplateError, render};

/// A kind of list.
#[derive(Debug, Clone, Copy)]
pub struct Listing {
    /// The columns of `table`: a template with tabs between them.
    pub columns: &'static str,
    /// What a template may name, with what stands above its column.
    pub headers: &'static [(&'static str, &'static str)],
}

/// How `--format` of a list with no templates prints.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ListFormat {
    /// Columns, for people.
    #[default]
    Table,
    /// An array of objects.
    Json,
}

impl Listing {
    /// `values` in `format`. What is printed as JSON is `json` of each, a line.
    ///
    /// # Errors
    /// [`TemplateError`].
    pub fn print(
        &self,
        values: &[Value],
        format: &str,
        json: impl Fn(usize) -> String,
    ) -> Result<String, TemplateError> {
        match format {
            "" | "table" => self.table(values, self.columns),
            "json" => Ok((0..values.len()).map(|index| json(index) + "\n").collect()),
            _ => match format.strip_prefix("table ") {
                Some(template) => self.table(values, &escaped(template)),
                None => values.iter().map(|value| Ok(render(&escaped(format), value)? + "\n")).collect(),
            },
        }
    }

    fn table(&self, values: &[Value], template: &str) -> Result<String, TemplateError> {
        let named = self.headers.iter().map(|(name, header)| ((*name).to_owned(), Value::from(*header)));
        // What takes the name of a label has no header.
        let header = Value::Object(named.chain([("Label".to_owned(), serde_json::json!({}))]).collect());
        let rows = std::iter::once(&header).chain(values);
        let cells = |value| Ok(render(template, value)?.split('\t').map(str::to_owned).collect());
        Ok(columns(&rows.map(cells).collect::<Result<Vec<Vec<String>>, _>>()?))
    }
}

/// As typed at a shell, a tab is a backslash and a letter.
fn escaped(template: &str) -> String {
    template.replace("\\t", "\t").replace("\\n", "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        let fruit = Listing { columns: "{{.Name}}\t{{.Size}}", headers: &[("Name", "NAME"), ("Size", "HOW LARGE")] };
        let values =
            [serde_json::json!({"Name": "apple", "Size": "8cm"}), serde_json::json!({"Name": "fig", "Size": "2cm"})];
        let print = |format| fruit.print(&values, format, |index| format!("<{index}>"));
        assert_eq!(print("table").unwrap(), "NAME      HOW LARGE\napple     8cm\nfig       2cm\n");
        assert_eq!(print("").unwrap(), print("table").unwrap());
        assert_eq!(
            print("table {{.Size}}\\t{{.Name}}").unwrap(),
            "HOW LARGE   NAME\n8cm         apple\n2cm         fig\n"
        );
        assert_eq!(print("{{.Name}}!").unwrap(), "apple!\nfig!\n");
        assert_eq!(print("json").unwrap(), "<0>\n<1>\n");
        assert!(print("{{.Colour}}").is_err());
    }
}
