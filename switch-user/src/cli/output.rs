//! What a command prints: tables for people, JSON and YAML for scripts.

use std::io::{self, Read, Write};

use clap::ValueEnum;
use serde::Serialize;

use super::table::{self, Cell, Colour};
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
    /// Somebody can be asked.
    pub(super) interactive: bool,
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

    /// Prints rows below their headings; without any, the standard error says `empty`.
    pub(super) fn table<C: Into<Cell>>(
        &mut self,
        headings: &[&str],
        rows: impl IntoIterator<Item = Vec<C>>,
        empty: &str,
    ) -> io::Result<()> {
        let mut all = vec![headings.iter().map(|heading| Cell::from(*heading)).collect()];
        all.extend(rows.into_iter().map(|row| row.into_iter().map(Into::into).collect()));
        if all.len() == 1 {
            return writeln!(self.errors, "{empty}");
        }
        table::write(self.output, &all, self.colour)
    }

    /// Prints names and their values.
    pub(super) fn pairs(&mut self, pairs: impl IntoIterator<Item = (String, Cell)>) -> io::Result<()> {
        let rows = pairs.into_iter().map(|(name, value)| vec![Cell::from(name + ":"), value]);
        table::write(self.output, &rows.collect::<Vec<_>>(), self.colour)
    }
}

/// The word for a port's state, in the colour of its meaning.
pub(super) fn state(state: PortState) -> Cell {
    let (word, colour) = match state {
        PortState::Up => ("up", Colour::Green),
        PortState::Standby => ("standby", Colour::Yellow),
        PortState::Down => ("down", Colour::Yellow),
        PortState::Detached => ("detached", Colour::Yellow),
        PortState::NoDevice => ("no-device", Colour::Red),
        PortState::Failed => ("failed", Colour::Red),
    };
    Cell::coloured(word, colour)
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

/// The names one after the other, or a dash.
pub(super) fn spaced(names: &[&str]) -> String {
    or_dash((!names.is_empty()).then(|| names.join(", ")))
}

/// The word that serde writes for a value without fields.
pub(super) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
