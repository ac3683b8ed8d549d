//! `dvs rule list`.

use std::{collections::BTreeMap, process::ExitCode};

use clap::Args;

use super::super::{
    output::{joined, or_dash, word},
    policy,
    session::Session,
};
use super::hits::{self, Hits};
use crate::model::{Desired, Kind, Object, Policy, Rule};

/// Which rules to list, and what of them.
#[derive(Args, Debug)]
pub(in crate::cli) struct Options {
    /// Only rules of this policy.
    policy: Option<String>,

    /// What the rules and the defaults decided about, at all ports together.
    #[arg(long)]
    stats: bool,

    /// Only rules that this port asks, and what they decided about there.
    #[arg(long)]
    port: Option<String>,
}

const HEADINGS: [&str; 10] =
    ["POLICY", "PRIORITY", "NAME", "DIRECTION", "ACTION", "PROTO", "PEER", "PORT", "SRC-PORT", "NOTES"];

/// Lists rules.
pub(super) async fn run(options: &Options, session: &mut Session<'_, '_>) -> anyhow::Result<ExitCode> {
    let Options { policy, stats, port } = options;
    for (kind, name) in [(Kind::Policy, policy), (Kind::Port, port)] {
        if let Some(name) = name {
            // An unknown name is refused in the words of the agent.
            session.client.show(kind, name).await?;
        }
    }
    let desired = session.desired().await?;
    let policies = policies(&desired, options);
    let rules = rules(&desired, &policies);
    if *stats {
        let hits = Hits::of(session.client.rule_hits(policy, port).await?);
        return counted(&policies, &rules, &hits, session);
    }
    let documents: Vec<_> = rules.iter().map(|rule| Object::Rule(Rule::clone(rule)).document()).collect();
    if !session.structured(&documents)? {
        session.streams.table(&HEADINGS, rules.into_iter().map(row), "there are no rules")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The policies of which rules are wanted, in the order in which they are asked.
fn policies<'a>(desired: &'a Desired, options: &Options) -> Vec<&'a Policy> {
    let mut policies = match &options.port {
        Some(port) => policy::of_port(desired, port),
        None => policy::in_order(desired),
    };
    policies.retain(|policy| options.policy.as_ref().is_none_or(|only| policy.name == *only));
    policies
}

/// The rules of these policies in the order in which they are asked.
fn rules<'a>(desired: &'a Desired, policies: &[&Policy]) -> Vec<&'a Rule> {
    let place: BTreeMap<&str, usize> = policies.iter().map(|policy| policy.name.as_str()).zip(0..).collect();
    let rules = desired.rules.values().filter(|rule| place.contains_key(rule.policy.as_str()));
    let mut rules: Vec<&Rule> = rules.collect();
    rules.sort_by_key(|rule| (place.get(rule.policy.as_str()), rule.priority, &rule.name));
    rules
}

/// Prints rules, then the defaults, each with what it decided about.
fn counted(
    policies: &[&Policy],
    rules: &[&Rule],
    hits: &Hits,
    session: &mut Session<'_, '_>,
) -> anyhow::Result<ExitCode> {
    let objects: Vec<_> = rules
        .iter()
        .map(|rule| hits.of_rule(rule))
        .chain(policies.iter().flat_map(|policy| hits.of_defaults(policy)))
        .collect();
    if session.structured(&objects)? {
        return Ok(ExitCode::SUCCESS);
    }
    let rows = objects.iter().map(|counted| {
        let first = match &counted.what {
            hits::What::Rule { rule, .. } => row(rule),
            hits::What::Default(default) => default.row(),
        };
        first.into_iter().chain(counted.hits.row()).collect::<Vec<_>>()
    });
    let headings = [&HEADINGS[..], &hits::HEADINGS].concat();
    session.streams.table(&headings, rows, "there are no rules")?;
    Ok(ExitCode::SUCCESS)
}

fn row(rule: &Rule) -> Vec<String> {
    vec![
        rule.policy.clone(),
        rule.priority.to_string(),
        rule.name.clone(),
        word(&rule.direction),
        word(&rule.action),
        protocol(rule),
        rule.peer.to_string(),
        or_dash(rule.port.as_ref()),
        or_dash(rule.src_port.as_ref()),
        notes(rule),
    ]
}

/// The protocol with type and code, or the ethertype.
fn protocol(rule: &Rule) -> String {
    match (rule.proto, rule.ethertype, rule.icmp_type, rule.icmp_code) {
        (_, Some(ethertype), ..) => ethertype.to_string(),
        (None, None, ..) => "-".into(),
        (Some(proto), None, None, _) => proto.to_string(),
        (Some(proto), None, Some(kind), None) => format!("{proto} {kind}"),
        (Some(proto), None, Some(kind), Some(code)) => format!("{proto} {kind}/{code}"),
    }
}

fn notes(rule: &Rule) -> String {
    let notes = [("staged", rule.staged), ("log", rule.log)];
    joined(&notes.into_iter().filter(|(_, set)| *set).map(|(note, _)| note).collect::<Vec<_>>())
}
