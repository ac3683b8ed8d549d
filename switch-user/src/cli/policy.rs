//! `dvs policy`.

mod test;

use std::{collections::BTreeMap, process::ExitCode};

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{
    output::{Format, joined, or_dash, spaced, word},
    record::{self, Named, Remove},
    session::{Session, Writing},
    table::Cell,
    value::{Number, fields},
};
use crate::model::{Desired, Firewall, Kind, Members, Policy, Port, members};

/// What to do with policies.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create a policy. Its rules have a noun of their own.
    ///
    /// Example: dvs policy add web --applies-to web-vms
    Add(Add),
    /// Change fields of a policy; the others stay as they are.
    ///
    /// Example: dvs policy set web --default reject --log
    Set(Set),
    /// Show a policy and the ports that it applies to now.
    ///
    /// Example: dvs policy show web
    Show(Named),
    /// List all policies in the order in which they are asked.
    List,
    Test(test::Options),
    /// Remove a policy that has no rules.
    Remove(Remove),
}

#[derive(Args, Debug)]
pub(super) struct Add {
    /// Name of the policy: letters, digits and . _ -
    name: String,

    #[command(flatten)]
    flags: Flags,

    #[command(flatten)]
    writing: Writing,
}

#[derive(Args, Debug)]
pub(super) struct Set {
    /// Name of the policy.
    name: String,

    #[command(flatten)]
    flags: Flags,

    /// Take a field away.
    #[arg(long, value_name = "FIELD", value_parser = ["applies-to", "tier", "default", "stateless", "log"])]
    clear: Vec<String>,

    #[command(flatten)]
    writing: Writing,
}

#[derive(Args, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Flags {
    /// Group of the ports that the policy applies to; without one, it applies to none.
    #[arg(long, value_name = "GROUP")]
    #[serde(skip_serializing_if = "Option::is_none")]
    applies_to: Option<String>,

    /// Policies of a lower tier are asked first; 100 if it was never set.
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    tier: Option<Number>,

    /// What becomes of packets that no rule decides about; drop if it was never set.
    #[arg(long, value_name = "ACTION", value_parser = ["allow", "drop", "reject"])]
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<String>,

    /// What is allowed makes no connection: answers need rules of their own.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    stateless: Option<bool>,

    /// Log what the default decides about.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<bool>,
}

/// Runs a command.
pub(super) async fn run(command: Command, session: &mut Session<'_, '_>) -> anyhow::Result<ExitCode> {
    const KIND: Kind = Kind::Policy;
    match command {
        Command::Add(Add { name, flags, writing }) => {
            record::add(session, KIND, fields(&flags)?, (&name, false, writing)).await
        }
        Command::Set(Set { name, flags, clear, writing }) => {
            record::set(session, KIND, record::changes(&flags, &clear)?, (&name, false, writing)).await
        }
        Command::Show(named) => show(session, &named).await,
        Command::List => list(session).await,
        Command::Test(options) => test::run(options, session).await,
        Command::Remove(remove) => record::remove(session, KIND, &remove).await,
    }
}

/// Policies in the order in which a port asks them.
pub(super) fn in_order(desired: &Desired) -> Vec<&Policy> {
    let mut policies: Vec<&Policy> = desired.policies.values().collect();
    policies.sort_by_key(|policy| policy.tier);
    policies
}

/// The policies that a port asks, in their order.
pub(super) fn of_port<'a>(desired: &'a Desired, port: &str) -> Vec<&'a Policy> {
    let members = members(desired);
    let mut policies = in_order(desired);
    policies.retain(|policy| ports(policy, &members).any(|found| found.name == port));
    policies
}

/// The ports that a policy applies to.
fn ports<'m, 'a>(
    policy: &Policy,
    members: &'m BTreeMap<&'a str, Members<'a>>,
) -> impl Iterator<Item = &'a Port> + use<'m, 'a> {
    let group = policy.applies_to.as_deref().and_then(|group| members.get(group));
    let ports = group.into_iter().flat_map(|group| group.ports.iter().copied());
    ports.filter(|port| port.firewall == Firewall::On)
}

/// Prints a policy and the ports that it applies to.
async fn show(session: &mut Session<'_, '_>, named: &Named) -> anyhow::Result<ExitCode> {
    let desired = match session.format {
        Format::Table => session.desired().await?,
        Format::Json | Format::Yaml => Desired::default(),
    };
    let members = members(&desired);
    let found = desired.policies.get(&named.name);
    let ports: Option<Vec<&str>> =
        found.map(|policy| ports(policy, &members).map(|port| port.name.as_str()).collect());
    let line = ports.as_ref().map(|ports| ("ports".to_owned(), Cell::from(spaced(ports))));
    let code = record::show_with(session, Kind::Policy, named, line).await?;
    if ports.is_some_and(|ports| ports.is_empty()) {
        let remedy = "name a group of ports with dvs policy set --applies-to, or put ports into it";
        writeln!(session.streams.errors, "warning: policy {} applies to no port: {remedy}", named.name)?;
    }
    Ok(code)
}

async fn list(session: &mut Session<'_, '_>) -> anyhow::Result<ExitCode> {
    let policies = session.client.list(Kind::Policy).await?;
    if session.structured(&policies.objects)? {
        return Ok(ExitCode::SUCCESS);
    }
    let desired = session.desired().await?;
    let members = members(&desired);
    let mut rules: BTreeMap<&str, usize> = BTreeMap::new();
    for rule in desired.rules.values() {
        *rules.entry(&rule.policy).or_default() += 1;
    }
    let rows = in_order(&desired).into_iter().map(|policy| {
        let ports = ports(policy, &members).count();
        vec![
            policy.name.clone(),
            policy.tier.to_string(),
            word(&policy.default),
            or_dash(policy.applies_to.as_ref()),
            ports.to_string(),
            rules.get(policy.name.as_str()).copied().unwrap_or_default().to_string(),
            notes(policy),
        ]
    });
    let headings = ["NAME", "TIER", "DEFAULT", "APPLIES-TO", "PORTS", "RULES", "NOTES"];
    session.streams.table(&headings, rows, "there are no policies")?;
    Ok(ExitCode::SUCCESS)
}

fn notes(policy: &Policy) -> String {
    let notes = [("stateless", policy.stateless), ("log", policy.log)];
    joined(&notes.into_iter().filter(|(_, set)| *set).map(|(note, _)| note).collect::<Vec<_>>())
}
