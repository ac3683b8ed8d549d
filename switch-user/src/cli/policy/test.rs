//! `dvs policy test`.

use std::process::ExitCode;

use clap::Args;

use super::super::{
    output::{Format, joined, or_dash, word},
    session::Session,
    table::{Cell, Colour},
};
use crate::{
    api::{PolicyEnd, PolicyTest, PolicyVerdict},
    client::TestQuestion,
    model::RuleAction,
};

/// Say which rules decide about a connection, at the port that it comes from and the one that it goes to.
///
/// At least one end is a port of the switch, by its name or its address. A name stands for the first address of
/// the port that is of the other end's family. Only policies are asked: not whether there is a route, or whether
/// the sender may have its address. The exit code is 0 whatever the answer is.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dvs policy test --from p1 --to 10.0.20.11:443
  dvs policy test --from 192.0.2.7 --to p2:53/udp
  dvs policy test --from p1 --to p2")]
pub(in crate::cli) struct Options {
    /// Where it comes from: a port or an address.
    #[arg(long, value_name = "PORT|IP")]
    from: String,

    /// Where it goes; an address or the name of a port, with a destination port and a protocol: tcp, udp, sctp, icmp,
    /// icmpv6 or a number. Without protocol it is tcp if there is a port, an ICMP echo request if there is none.
    #[arg(long, value_name = "IP[:PORT][/PROTO]")]
    to: String,

    /// Source port.
    #[arg(long, default_value_t = crate::classifier::ends::SOURCE_PORT, value_name = "N")]
    src_port: u16,
}

/// Asks, and prints the answer.
pub(super) async fn run(options: Options, session: &mut Session<'_, '_>) -> anyhow::Result<ExitCode> {
    let Options { from, to, src_port } = options;
    let test = session.client.policy_test(TestQuestion { from, to, source_port: src_port }).await?;
    if session.format != Format::Table {
        session.structured(&test)?;
        return Ok(ExitCode::SUCCESS);
    }
    let pairs = [
        ("from", Cell::from(end(&test.from))),
        ("to", Cell::from(end(&test.to))),
        ("packet", Cell::from(packet(&test))),
        ("verdict", action(test.action)),
    ];
    session.streams.pairs(pairs.map(|(name, value)| (name.to_owned(), value)))?;
    writeln!(session.streams.output)?;
    let headings = ["PORT", "DIRECTION", "POLICY", "RULE", "ACTION", "STAGED"];
    session.streams.table(&headings, test.verdicts.iter().map(row), "")?;
    Ok(ExitCode::SUCCESS)
}

fn end(end: &PolicyEnd) -> String {
    match &end.port {
        Some(port) => format!("{} ({port})", end.address),
        None => end.address.to_string(),
    }
}

fn packet(test: &PolicyTest) -> String {
    let ports = test.source_port.zip(test.destination_port);
    let protocol = &test.protocol;
    match (ports, protocol.as_str()) {
        (Some((source, destination)), _) => format!("{protocol} from port {source} to port {destination}"),
        (None, "icmp" | "icmpv6") => format!("{protocol} echo request"),
        (None, _) => format!("protocol {protocol}"),
    }
}

fn action(action: RuleAction) -> Cell {
    let colour = if action == RuleAction::Allow { Colour::Green } else { Colour::Red };
    Cell::coloured(&word(&action), colour)
}

fn row(verdict: &PolicyVerdict) -> Vec<Cell> {
    let rule = verdict.policy.as_ref().map(|_| verdict.rule.as_deref().unwrap_or("default"));
    vec![
        Cell::from(&verdict.port),
        Cell::from(&verdict.direction),
        Cell::from(or_dash(verdict.policy.as_ref())),
        Cell::from(or_dash(rule)),
        action(verdict.action),
        Cell::from(joined(&verdict.staged)),
    ]
}
