//! Columns for people, laid out as docker lays them out: three spaces between columns, none narrower than ten.

const GAP: usize = 3;
const MINIMUM: usize = 10;

/// Lays `rows` out below `header`, one line each. The last column is not padded.
#[must_use]
pub fn table<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> String {
    table_with(MINIMUM, header, rows)
}

/// As [`table`], with no column narrower than `minimum`.
#[must_use]
pub fn table_with<const N: usize>(minimum: usize, header: [&str; N], rows: &[[String; N]]) -> String {
    let width = |text: &str| text.chars().count();
    let widths: [usize; N] = std::array::from_fn(|column| {
        let widest = rows.iter().map(|row| width(&row[column])).chain([width(header[column])]).max().unwrap_or(0);
        (widest + GAP).max(minimum)
    });
    let mut text = String::new();
    for row in std::iter::once(header).chain(rows.iter().map(|row| row.each_ref().map(String::as_str))) {
        for (column, cell) in row.iter().enumerate() {
            text.push_str(cell);
            if column + 1 < N {
                text.extend(std::iter::repeat_n(' ', widths[column] - width(cell)));
            }
        }
        text.push('\n');
    }
    text
}

/// Lays `rows` out as [`table`] does, each with as many cells as it has.
#[must_use]
pub fn columns(rows: &[Vec<String>]) -> String {
    let width = |text: &str| text.chars().count();
    let widest = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max();
    let mut text = String::new();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            text.push_str(cell);
            if column + 1 < row.len() {
                let padded = (widest(column).unwrap_or(0) + GAP).max(MINIMUM);
                text.extend(std::iter::repeat_n(' ', padded - width(cell)));
            }
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["shop-db-1", "x", "running"], ["s", "a longer one…", ""]].map(|row| row.map(str::to_owned));
        insta::assert_snapshot!(table(["NAME", "ID", "STATE"], &rows), @"
        NAME        ID              STATE
        shop-db-1   x               running
        s           a longer one…
        ");
        assert_eq!(table(["NAME", "ID"], &[]), "NAME      ID\n");
    }
}
