//! `dvs apply`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use clap::Args;

use super::session::{Session, Writing};
use crate::{
    api::ChangeSet,
    client::{ApplyOptions, ClientError},
    model::{
        Document, Object,
        read::{PLACED, Source},
    },
};

/// Create or change all objects of a file, or none of them.
///
/// The file is a list of objects in YAML or JSON, as dvs export prints it. Objects that are not in
/// the file stay as they are, unless --prune is given.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dvs apply -f two-vlans.yaml --wait
  dvs export | sed 's/mtu: 1500/mtu: 9000/' | dvs apply -f - --dry-run")]
pub(super) struct Options {
    /// File to read; - for standard input.
    #[arg(short, long, value_name = "FILE")]
    pub(super) file: PathBuf,

    /// Remove the objects that are not in the file.
    #[arg(long)]
    prune: bool,

    /// Take devices that do not exist yet.
    #[arg(long)]
    allow_missing: bool,

    #[command(flatten)]
    writing: Writing,
}

/// Applies a file.
pub(super) async fn run(options: &Options, session: &mut Session<'_, '_>) -> anyhow::Result<ExitCode> {
    let Options { file, prune, allow_missing, writing } = options;
    let how = ApplyOptions { prune: *prune, allow_missing: *allow_missing };
    let source = read(file, session)?;
    let set = send(file, &source, (how, *writing), session).await?;
    session.changed(&set, *writing).await
}

/// Reads a file of objects; errors have the place where they are.
pub(super) fn read(file: &Path, session: &mut Session<'_, '_>) -> anyhow::Result<Source> {
    let name = name(file);
    let mut text = String::new();
    if file == Path::new("-") {
        session.streams.input.read_to_string(&mut text).with_context(|| format!("cannot read {name}"))?;
    } else {
        text = fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
    }
    Source::read(&text).map_err(|problems| {
        let lines = problems.into_iter().map(|(position, problem)| match position {
            Some(position) => format!("{name}:{position}: {problem}"),
            None => format!("{name}: {problem}"),
        });
        anyhow::Error::msg(lines.collect::<Vec<_>>().join("\n"))
    })
}

/// Sends the objects; what is refused is told with its place in the file.
pub(super) async fn send(
    file: &Path,
    source: &Source,
    (how, writing): (ApplyOptions, Writing),
    session: &mut Session<'_, '_>,
) -> anyhow::Result<ChangeSet> {
    let objects: Vec<Document> = source.objects.iter().cloned().map(Object::document).collect();
    let outcome = session.confirmed(writing, async |client| client.apply(objects.clone(), how).await).await;
    let refused = match outcome {
        Ok(set) => return Ok(set),
        Err(ClientError::Refused(details)) if !details.errors.is_empty() => details,
        Err(error) => return Err(error.into()),
    };
    let lines = refused.errors.iter().enumerate().map(|(number, error)| {
        let position = (number < PLACED).then(|| source.position(&error.object, &error.field)).flatten();
        let position = position.map(|position| format!(":{position}")).unwrap_or_default();
        format!("{}{position}: {error}", name(file))
    });
    Err(anyhow::Error::msg(lines.collect::<Vec<_>>().join("\n")))
}

fn name(file: &Path) -> String {
    if file == Path::new("-") { "standard input".into() } else { file.display().to_string() }
}
