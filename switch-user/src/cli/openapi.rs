//! `dvs openapi`.

use std::process::ExitCode;

use super::output::{Format, Streams};
use crate::manager;

/// Prints the description of the API, as it is kept in `docs/openapi.json`.
pub(super) fn run(streams: &mut Streams<'_>) -> anyhow::Result<ExitCode> {
    streams.structured(Format::Json, &manager::document())?;
    Ok(ExitCode::SUCCESS)
}
