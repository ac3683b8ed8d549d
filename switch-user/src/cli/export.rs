//! `dvs export`.

use std::process::ExitCode;

use super::{output::Format, session::Session};

/// Prints all objects, in YAML unless told otherwise.
pub(super) async fn run(session: &mut Session<'_, '_>) -> anyhow::Result<ExitCode> {
    let objects = session.client.export().await?.objects;
    let format = if session.format == Format::Table { Format::Yaml } else { session.format };
    session.streams.structured(format, &objects)?;
    Ok(ExitCode::SUCCESS)
}
