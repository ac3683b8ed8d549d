//! What a command prints: tables for people, JSON and YAML for scripts.

use std::io::{self, Read, Write};

use clap::ValueEnum;
use comfy_table::{Cell, Color, ContentArrangement, Table, presets};
use serde::Serialize;

use crate::report::PortState;

/// Form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Table,
    /// For scripts.
    Json,
    /// For files.
    Yaml,
}

/// Where a command reads and writes.
pub(super) struct Streams<'a> {
    pub(super) input: &'a mut dyn Read,
    pub(super) output: &'a mut dyn Write,
    pub(super) errors: &'a mut dyn Write,
    /// The output is a terminal that shows colours.
    pub(super) colour: bool,
}

impl Streams<'_> {
    /// Prints the value if a format for programs is wanted; false if the caller is to print a table.
    pub(super) fn structured(&mut self, format: Format, value: &impl Serialize) -> anyhow::Result<bool> {
        match format {
            Format::Table => return Ok(false),
            Format::Json => writeln!(self.output, "{}", serde_json::to_string_pretty(value)?)?,
            Format::Yaml => self.output.write_all(serde_yaml_ng::to_string(value)?.as_bytes())?,
        }
        Ok(true)
    }

    /// Prints rows below their headings, or nothing but `empty` if there are none.
    pub(super) fn table<C: Into<Cell>>(
        &mut self,
        headings: &[&str],
        rows: impl IntoIterator<Item = Vec<C>>,
        empty: &str,
    ) -> io::Result<()> {
        let mut table = self.blank_table();
        table.set_header(headings);
        table.add_rows(rows);
        if table.is_empty() {
            return writeln!(self.errors, "{empty}");
        }
        self.print(table)
    }

    /// Prints names and their values.
    pub(super) fn pairs(&mut self, pairs: impl IntoIterator<Item = (String, Cell)>) -> io::Result<()> {
        let mut table = self.blank_table();
        table.add_rows(pairs.into_iter().map(|(name, value)| vec![Cell::new(format!("{name}:")), value]));
        self.print(table)
    }

    fn print(&mut self, mut table: Table) -> io::Result<()> {
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        writeln!(self.output, "{}", table.trim_fmt())
    }

    fn blank_table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        if self.colour {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        table
    }
}

/// The word for a port's state, in the colour of its meaning.
pub(super) fn state(state: PortState) -> Cell {
    let (word, colour) = match state {
        PortState::Up => ("up", Color::Green),
        PortState::Down => ("down", Color::Yellow),
        PortState::Detached => ("detached", Color::Yellow),
        PortState::NoDevice => ("no-device", Color::Red),
        PortState::Failed => ("failed", Color::Red),
    };
    Cell::new(word).fg(colour)
}

/// The value, or a dash.
pub(super) fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".into(), |value| value.to_string())
}

/// The values in one cell.
pub(super) fn joined(values: &[impl ToString]) -> String {
    let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
    or_dash((!texts.is_empty()).then(|| texts.join(",")))
}

/// The word that serde writes for a value without fields.
pub(super) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
