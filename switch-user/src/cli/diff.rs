//! `dvs diff`.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::Args;
use serde_json::{Map, Value};

use super::{
    apply,
    session::{Session, Writing},
};
use crate::{
    client::ApplyOptions,
    model::{Action, Change, Desired, fields},
};

/// Exit code if there is a difference, as of kubectl diff.
const DIFFERENT: u8 = 1;
/// Exit code if there is no telling.
pub(super) const FAILED: u8 = 2;

/// Show what applying a file would change.
///
/// The exit code is 0 if nothing would change, 1 if something would, 2 if the file is refused or
/// the agent cannot be asked.
#[derive(Args, Debug)]
#[command(after_help = "Example: dvs diff -f two-vlans.yaml")]
pub(super) struct Options {
    /// File to read; - for standard input.
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,

    /// Remove the objects that are not in the file.
    #[arg(long)]
    prune: bool,

    /// Take devices that do not exist yet.
    #[arg(long)]
    allow_missing: bool,
}

/// Compares a file with the configuration.
pub(super) async fn run(options: &Options, session: &mut Session<'_, '_>) -> anyhow::Result<ExitCode> {
    let Options { file, prune, allow_missing } = options;
    let how = ApplyOptions { prune: *prune, allow_missing: *allow_missing };
    let source = apply::read(file, session)?;
    let set = apply::send(file, &source, (how, Writing::DRY), session).await?;
    if !session.structured(&set)? {
        let export = session.client.export().await?;
        let old: Desired = export.objects.into_iter().map(|document| document.object).collect();
        let new: Desired = source.objects.into_iter().collect();
        for change in &set.changes {
            print(session.streams.output, change, &old, &new)?;
        }
    }
    session.print_warnings(&set)?;
    Ok(if set.changes.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(DIFFERENT) })
}

fn print(out: &mut dyn Write, change: &Change, old: &Desired, new: &Desired) -> io::Result<()> {
    let id = change.id();
    let (before, after) = (fields(old.get(&id)), fields(new.get(&id)));
    match change.action {
        Action::Create => lines(out, '+', &id.to_string(), &after),
        Action::Delete => lines(out, '-', &id.to_string(), &before),
        Action::Update => {
            writeln!(out, "~ {id}")?;
            change.fields.iter().try_for_each(|name| update(out, name, before.get(name), after.get(name)))
        }
    }
}

fn lines(out: &mut dyn Write, sign: char, id: &str, fields: &Map<String, Value>) -> io::Result<()> {
    writeln!(out, "{sign} {id}")?;
    fields.iter().try_for_each(|(name, value)| writeln!(out, "{sign}   {name}: {value}"))
}

fn update(out: &mut dyn Write, name: &str, before: Option<&Value>, after: Option<&Value>) -> io::Result<()> {
    let mut line =
        |sign, value: Option<&Value>| value.map_or(Ok(()), |value| writeln!(out, "{sign}   {name}: {value}"));
    line('-', before)?;
    line('+', after)
}
