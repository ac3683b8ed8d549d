//! Tables: columns as wide as their content, two spaces apart, nothing else.

use std::io::{self, Write};

/// Between two columns.
const GAP: usize = 2;
/// Ends a colour (ECMA-48, 8.3.117).
const PLAIN: &str = "\x1b[0m";

/// A text in a table.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    text: String,
    colour: Option<Colour>,
}

/// What a text means.
#[derive(Clone, Copy, Debug)]
pub(super) enum Colour {
    /// All is well.
    Green,
    /// Somebody wanted it so.
    Yellow,
    /// Something is wrong.
    Red,
}

impl Colour {
    const fn code(self) -> &'static str {
        match self {
            Self::Green => "\x1b[32m",
            Self::Yellow => "\x1b[33m",
            Self::Red => "\x1b[31m",
        }
    }
}

impl Cell {
    /// A text in a colour.
    pub(super) fn coloured(text: &str, colour: Colour) -> Self {
        Self { text: text.into(), colour: Some(colour) }
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), colour: None }
    }
}

/// Writes rows of equal length.
pub(super) fn write(out: &mut dyn Write, rows: &[Vec<Cell>], colour: bool) -> io::Result<()> {
    let mut widths = vec![0; rows.first().map_or(0, Vec::len)];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.width().max(*width);
        }
    }
    let mut text = String::new();
    for row in rows {
        text.clear();
        for (width, cell) in widths.iter().zip(row) {
            push(&mut text, cell, width + GAP, colour);
        }
        writeln!(out, "{}", text.trim_end())?;
    }
    Ok(())
}

fn push(text: &mut String, cell: &Cell, width: usize, colour: bool) {
    match cell.colour.filter(|_| colour) {
        Some(colour) => text.extend([colour.code(), &cell.text, PLAIN]),
        None => text.push_str(&cell.text),
    }
    text.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.width())));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(colour: bool) -> String {
        let rows = [
            vec!["NAME".into(), "STATE".into(), "NOTES".into()],
            vec!["größer".into(), Cell::coloured("up", Colour::Green), "".into()],
            vec!["p".into(), Cell::coloured("failed", Colour::Red), "a b".into()],
        ];
        let mut out = Vec::new();
        write(&mut out, &rows, colour).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn columns_are_aligned_and_lines_have_no_blank_end() {
        let expected = "NAME    STATE   NOTES\ngrößer  up\np       failed  a b\n";
        assert_eq!(written(false), expected);
    }

    #[test]
    fn colours_do_not_move_the_columns() {
        let expected = "NAME    STATE   NOTES
größer  \x1b[32mup\x1b[0m
p       \x1b[31mfailed\x1b[0m  a b
";
        assert_eq!(written(true), expected);
    }

    #[test]
    fn no_rows_are_nothing() {
        let mut out = Vec::new();
        write(&mut out, &[], false).unwrap();
        assert!(out.is_empty());
    }
}
