//! A conversation with the agent, and what all changing commands have in common.

use std::{
    collections::BTreeMap,
    io::{self, Read},
    process::ExitCode,
};

use clap::Args;
use serde::Serialize;

use super::{
    FAILED,
    flow::end,
    output::{Format, Streams},
};
use crate::{
    api::{BindingEntry, BindingList, ChangeSet, Cut, Details, HostEntry, Waited},
    client::{Answer, Client, ClientError},
    model::{Action, Change, Desired},
    report::PortStatus,
};

/// The agent, and where to print what it says.
pub(super) struct Session<'a, 'b> {
    pub(super) client: Client,
    pub(super) format: Format,
    pub(super) streams: &'a mut Streams<'b>,
}

/// The kind of problem that is a question.
const CONFIRMATION: &str = "urn:dvs:confirmation";
/// The kind of problem of whoever asks one host's manager about many.
const NO_CLUSTER: &str = "urn:dvs:no-cluster";

/// How a change is made: whether it is meant whatever it does, whether it is only tried, and whether to wait until it
/// has reached the kernel.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct Writing {
    /// Make the change even if it shuts off every port; without it, that is asked or refused.
    #[arg(long)]
    yes: bool,

    /// Tell what would change, and which connections that would cut, and change nothing.
    #[arg(long, conflicts_with = "wait")]
    dry_run: bool,

    /// Return when the host has applied the change.
    #[arg(long)]
    wait: bool,

    /// Seconds to wait at most.
    #[arg(long, default_value_t = 30, value_name = "SECONDS", requires = "wait")]
    timeout: u64,
}

impl Writing {
    /// A change that is only tried.
    pub(super) const DRY: Self = Self { yes: false, dry_run: true, wait: false, timeout: 0 };
}

impl Session<'_, '_> {
    /// Prints the value if a format for programs is wanted; false if the caller is to print a table.
    pub(super) fn structured(&mut self, value: &impl Serialize) -> anyhow::Result<bool> {
        self.streams.structured(self.format, value)
    }

    /// All objects.
    pub(super) async fn desired(&self) -> Answer<Desired> {
        let export = self.client.export().await?;
        Ok(export.objects.into_iter().map(|document| document.object).collect())
    }

    /// Makes a change, and tells what it did.
    pub(super) async fn change(
        &mut self,
        writing: Writing,
        send: impl AsyncFn(Client) -> Answer<ChangeSet>,
    ) -> anyhow::Result<ExitCode> {
        let set = self.confirmed(writing, send).await?;
        self.changed(&set, writing).await
    }

    /// Sends a write. If the agent wants to be sure that it is meant, whoever sits at the terminal is asked.
    pub(super) async fn confirmed(
        &mut self,
        writing: Writing,
        send: impl AsyncFn(Client) -> Answer<ChangeSet>,
    ) -> Answer<ChangeSet> {
        if writing.dry_run {
            return send(self.client.dry()).await;
        }
        if writing.yes {
            return send(self.client.sure()).await;
        }
        match send(self.client.clone()).await {
            Err(ClientError::Refused(details)) if details.kind == CONFIRMATION => {
                if self.asked(&details) {
                    send(self.client.sure()).await
                } else {
                    Err(ClientError::Refused(details))
                }
            }
            answer => answer,
        }
    }

    /// True if somebody is there and says yes.
    fn asked(&mut self, details: &Details) -> bool {
        let Streams { input, errors, interactive: true, .. } = self.streams else { return false };
        let question = write!(errors, "{}. Go on? [y/N] ", details.detail).and_then(|()| errors.flush());
        question.is_ok() && matches!(line(*input).trim(), "y" | "Y" | "yes")
    }

    /// Tells what a write did, and waits for the host if that is wanted.
    pub(super) async fn changed(&mut self, set: &ChangeSet, writing: Writing) -> anyhow::Result<ExitCode> {
        if !self.structured(set)? {
            if writing.dry_run && !set.changes.is_empty() {
                writeln!(self.streams.output, "dry run, nothing is changed; it would be:")?;
            }
            self.print_changes(&set.changes)?;
            self.print_cuts(set)?;
        }
        self.print_warnings(set)?;
        if !writing.wait {
            return Ok(ExitCode::SUCCESS);
        }
        self.streams.output.flush()?;
        let waited = self.client.wait(set.generation, writing.timeout).await?;
        self.print_waited(&waited)
    }

    /// Prints a line for every warning on the standard error.
    pub(super) fn print_warnings(&mut self, set: &ChangeSet) -> io::Result<()> {
        set.warnings.iter().try_for_each(|warning| writeln!(self.streams.errors, "warning: {warning}"))
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

    /// Prints the connections that a change would cut.
    fn print_cuts(&mut self, set: &ChangeSet) -> io::Result<()> {
        let (shown, total) = (set.cuts.len(), set.cuts_total.unwrap_or_default());
        if total == 0 {
            return Ok(());
        }
        let noun = if total == 1 { "connection" } else { "connections" };
        let some = if shown < total { format!(", {shown} of which are") } else { String::new() };
        writeln!(self.streams.output, "would cut {total} {noun}{some}:")?;
        let headings = ["FROM", "TO", "PROTO", "SOURCE", "DESTINATION", "REFUSED-AT", "RULE"];
        self.streams.table(&headings, set.cuts.iter().map(cut), "")
    }

    fn print_waited(&mut self, applied: &Waited) -> anyhow::Result<ExitCode> {
        for host in &applied.dead {
            writeln!(self.streams.errors, "warning: host {host} is dead and applies it when it returns")?;
        }
        if self.format == Format::Table {
            writeln!(self.streams.output, "generation {} applied", applied.generation)?;
        }
        for error in &applied.errors {
            writeln!(self.streams.errors, "error: {error}")?;
        }
        Ok(if applied.errors.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
    }

    /// The hosts, if there are many.
    pub(super) async fn hosts(&self) -> Answer<Option<Vec<HostEntry>>> {
        many(self.client.cluster_hosts().await)
    }

    /// Where ports are, if there are many hosts.
    pub(super) async fn places(&self) -> Answer<Option<BTreeMap<String, BindingEntry>>> {
        let list = many(self.client.cluster_bindings().await)?;
        let by_port =
            |list: BindingList| list.bindings.into_iter().map(|entry| (entry.port.clone(), entry)).collect();
        Ok(list.map(by_port))
    }

    /// State of all ports and uplinks; if the host cannot tell, that is said, and the rest goes on without.
    pub(super) async fn port_states(&mut self) -> io::Result<Vec<PortStatus>> {
        match self.client.status().await {
            Ok(status) => Ok(status.host.ports),
            // What each of many hosts would say, none of their managers knows.
            Err(_) if matches!(self.hosts().await, Ok(Some(_))) => Ok(Vec::new()),
            Err(error) => {
                writeln!(self.streams.errors, "warning: the state is not known: {error}")?;
                Ok(Vec::new())
            }
        }
    }
}

/// The answer of a manager of many hosts; `None` from that of one.
fn many<T>(answer: Answer<T>) -> Answer<Option<T>> {
    match answer {
        Err(ClientError::Refused(details)) if details.kind == NO_CLUSTER => Ok(None),
        answer => answer.map(Some),
    }
}

fn cut(cut: &Cut) -> Vec<String> {
    vec![
        cut.from.clone(),
        cut.to.clone(),
        cut.protocol.clone(),
        end(cut.source, cut.source_port),
        end(cut.destination, cut.destination_port),
        cut.port.clone(),
        format!("{}/{}", cut.policy, cut.rule.as_deref().unwrap_or("default")),
    ]
}

/// The next line, or what there is of it. Nothing behind it is read.
fn line(input: &mut dyn Read) -> String {
    let (mut line, mut octet) = (Vec::new(), [0]);
    while input.read(&mut octet).is_ok_and(|read| read == 1) && octet != *b"\n" {
        line.extend(octet);
    }
    String::from_utf8_lossy(&line).into_owned()
}
