use std::fmt::Write;

use super::screen::{Paint, plain};

/// How a column is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    /// Words, to the left.
    Left(&'static str),
    /// Numbers, to the right.
    Right(&'static str),
    /// A state, in its colour.
    State(&'static str),
}

impl Column {
    const fn head(self) -> &'static str {
        match self {
            Self::Left(head) | Self::Right(head) | Self::State(head) => head,
        }
    }
}

/// Rows under one another, columns as wide as they must be. `nothing` is said
/// where there is no row.
pub(crate) fn listing<const N: usize>(
    columns: [Column; N],
    rows: &[[String; N]],
    nothing: &str,
    paint: Paint,
) -> String {
    if rows.is_empty() {
        return format!("{nothing}\n");
    }
    let rows: Vec<[String; N]> = rows
        .iter()
        .map(|row| row.each_ref().map(|cell| plain(cell).into_owned()))
        .collect();
    let widths: [usize; N] = std::array::from_fn(|at| {
        let cells = rows.iter().map(|row| row[at].chars().count());
        cells.max().unwrap_or(0).max(columns[at].head().len())
    });
    let mut text = String::new();
    let heads = columns.map(|column| column.head().to_owned());
    text.push_str(&paint.faint(&line(columns, &heads, widths, Paint(false))));
    text.push('\n');
    for row in &rows {
        // Writing to a string can't fail.
        let _written = writeln!(text, "{}", line(columns, row, widths, paint));
    }
    text
}

fn line<const N: usize>(
    columns: [Column; N],
    cells: &[String; N],
    widths: [usize; N],
    paint: Paint,
) -> String {
    let shown: [String; N] = std::array::from_fn(|at| {
        let (cell, width) = (&cells[at], widths[at]);
        match columns[at] {
            Column::Left(_) => format!("{cell:<width$}"),
            Column::Right(_) => format!("{cell:>width$}"),
            Column::State(_) => paint.state(&format!("{cell:<width$}")),
        }
    });
    shown.join("  ").trim_end().to_owned()
}

/// A number with thin groups of three: 1 234 567.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_a_terminal_obeys_nothing() {
        let columns = [Column::Left("MODEL"), Column::Right("N")];
        let rows = [
            ["a\u{1b}[2J".to_owned(), "1".to_owned()],
            ["longer-name".to_owned(), grouped(1_234_567)],
        ];
        insta::assert_snapshot!(listing(columns, &rows, "none", Paint(false)), @r"
        MODEL                N
        a�[2J                1
        longer-name  1 234 567
        ");
        assert_eq!(listing(columns, &[], "none yet", Paint(true)), "none yet\n");
    }
}
