//! A conversation with the agent, and what all changing commands have in common.

use std::{io, process::ExitCode};

use clap::Args;
use serde::Serialize;

use super::{
    FAILED,
    output::{Format, Streams},
};
use crate::{
    api::ChangeSet,
    client::Client,
    model::{Action, Change},
    report::{Applied, PortStatus},
};

/// The agent, and where to print what it says.
pub(super) struct Session<'a, 'b> {
    pub(super) client: Client,
    pub(super) format: Format,
    pub(super) streams: &'a mut Streams<'b>,
}

/// Whether to wait until a change has reached the kernel.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct Waiting {
    /// Return when the host has applied the change.
    #[arg(long)]
    wait: bool,

    /// Seconds to wait at most.
    #[arg(long, default_value_t = 30, value_name = "SECONDS", requires = "wait")]
    timeout: u64,
}

impl Session<'_, '_> {
    /// Prints the value if a format for programs is wanted; false if the caller is to print a table.
    pub(super) fn structured(&mut self, value: &impl Serialize) -> anyhow::Result<bool> {
        self.streams.structured(self.format, value)
    }

    /// Tells what a write did, and waits for the host if that is wanted.
    pub(super) async fn changed(&mut self, set: &ChangeSet, waiting: Waiting) -> anyhow::Result<ExitCode> {
        if !self.structured(set)? {
            self.print_changes(&set.changes)?;
        }
        if !waiting.wait {
            return Ok(ExitCode::SUCCESS);
        }
        self.streams.output.flush()?;
        let applied = self.client.wait(set.generation, waiting.timeout).await?;
        self.print_applied(&applied)
    }

    /// Prints a line for every change.
    pub(super) fn print_changes(&mut self, changes: &[Change]) -> io::Result<()> {
        if changes.is_empty() {
            writeln!(self.streams.output, "no change")?;
        }
        for change in changes {
            let verb = match change.action {
                Action::Create => "created".to_owned(),
                Action::Update => format!("updated: {}", change.fields.join(", ")),
                Action::Delete => "removed".to_owned(),
            };
            writeln!(self.streams.output, "{} {verb}", change.id())?;
        }
        Ok(())
    }

    fn print_applied(&mut self, applied: &Applied) -> anyhow::Result<ExitCode> {
        if self.format == Format::Table {
            writeln!(self.streams.output, "generation {} applied", applied.generation)?;
        }
        for error in &applied.errors {
            writeln!(self.streams.errors, "error: {error}")?;
        }
        Ok(if applied.errors.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
    }

    /// State of all ports and uplinks; if the host cannot tell, that is said, and the rest goes on without.
    pub(super) async fn port_states(&mut self) -> io::Result<Vec<PortStatus>> {
        match self.client.status().await {
            Ok(status) => Ok(status.host.ports),
            Err(error) => {
                writeln!(self.streams.errors, "warning: the state is not known: {error}")?;
                Ok(Vec::new())
            }
        }
    }
}
