//! `dvs history` and `dvs rollback`.

use std::process::ExitCode;

use clap::Args;

use super::{
    output::Format,
    session::{Session, Writing},
};
use crate::{
    api::{HistoryEntry, HistoryRow},
    model::Action,
};

/// Changes of a write that are named in a table.
const NAMED: usize = 4;

/// Show the last changes of the configuration: when, by whom, and what.
///
/// In JSON and YAML every object is printed as it was before and after.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dvs history
  dvs history -n 1 -o yaml")]
pub(super) struct Options {
    /// Number of changes to show.
    #[arg(short, long, default_value_t = 20, value_name = "N")]
    number: usize,
}

/// Prints the last writes.
pub(super) async fn run(options: &Options, session: &mut Session<'_, '_>) -> anyhow::Result<ExitCode> {
    let history = session.client.history(options.number, session.format != Format::Table).await?;
    if session.structured(&history)? {
        return Ok(ExitCode::SUCCESS);
    }
    let rows = history.writes.iter().map(|write| {
        vec![write.generation.to_string(), write.time.clone(), write.author.clone(), changes(write)]
    });
    session.streams.table(&["GENERATION", "TIME", "WHO", "CHANGES"], rows, "nothing was changed yet")?;
    Ok(ExitCode::SUCCESS)
}

fn changes(HistoryEntry { changes, .. }: &HistoryEntry) -> String {
    let mut words: Vec<String> = changes.iter().take(NAMED).map(word).collect();
    if changes.len() > NAMED {
        words.push(format!("{} more", changes.len() - NAMED));
    }
    words.join(", ")
}

fn word(HistoryRow { action, kind, name, .. }: &HistoryRow) -> String {
    let verb = match action {
        Action::Create => "created",
        Action::Update => "updated",
        Action::Delete => "removed",
    };
    let space = if name.is_empty() { "" } else { " " };
    format!("{kind}{space}{name} {verb}")
}

/// Make the configuration what it was at a generation.
///
/// That is a change like any other: it makes a new generation, is checked, and can be tried and taken back.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dvs rollback 41 --dry-run
  dvs rollback 41 --wait")]
pub(super) struct RollbackOptions {
    /// The generation to go back to, as dvs history shows it.
    generation: u64,

    /// Take devices that do not exist any more.
    #[arg(long)]
    allow_missing: bool,

    #[command(flatten)]
    writing: Writing,
}

/// Goes back to a generation.
pub(super) async fn rollback(
    options: &RollbackOptions,
    session: &mut Session<'_, '_>,
) -> anyhow::Result<ExitCode> {
    let RollbackOptions { generation, allow_missing, writing } = *options;
    session.change(writing, async |client| client.rollback(generation, allow_missing).await).await
}
