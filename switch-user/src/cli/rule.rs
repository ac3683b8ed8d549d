//! `dvs rule`.

mod hits;
mod list;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::Value;

use super::{
    record::{self, Named, Remove},
    session::{Session, Writing},
    value::{Number, fields},
};
use crate::model::Kind;

/// What to do with rules.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Add a rule to a policy.
    ///
    /// Of a policy's rules the one with the lowest priority that matches a packet decides about it.
    #[command(after_help = "Examples:
  dvs rule add web --priority 100 --direction in --action allow --proto tcp --port 80,443
  dvs rule add web ssh --priority 50 --direction in --action allow --proto tcp --port 22 --peer group:office
  dvs rule add web ping --priority 60 --direction in --action allow --proto icmp --icmp-type 8")]
    Add(Add),
    /// Change fields of a rule; the others stay as they are.
    ///
    /// Example: dvs rule set web ssh --peer 192.0.2.0/24 --log
    Set(Set),
    /// Show a rule.
    Show(Key),
    /// List the rules of all policies, or of one, in the order in which they are asked.
    #[command(after_help = "Examples:
  dvs rule list web
  dvs rule list --stats --port p1")]
    List(list::Options),
    /// Remove a rule.
    ///
    /// Example: dvs rule remove web ssh --dry-run
    Remove(RemoveRule),
}

/// Names a rule.
#[derive(Args, Debug)]
pub(super) struct Key {
    /// Policy that has the rule.
    policy: String,

    /// Name of the rule.
    name: String,
}

impl Key {
    fn name(&self) -> String {
        format!("{}/{}", self.policy, self.name)
    }
}

#[derive(Args, Debug)]
pub(super) struct Add {
    /// Policy that gets the rule.
    policy: String,

    /// Name of the rule: letters, digits and . _ -; without it, the priority.
    name: Option<String>,

    #[command(flatten)]
    flags: AddFlags,

    #[command(flatten)]
    writing: Writing,
}

#[derive(Args, Debug)]
pub(super) struct Set {
    #[command(flatten)]
    key: Key,

    #[command(flatten)]
    flags: SetFlags,

    /// Take a field away.
    #[arg(long, value_name = "FIELD", value_parser = [
        "proto", "peer", "port", "src-port", "icmp-type", "icmp-code", "ethertype", "log", "staged",
    ])]
    clear: Vec<String>,

    #[command(flatten)]
    writing: Writing,
}

#[derive(Args, Debug)]
pub(super) struct RemoveRule {
    #[command(flatten)]
    key: Key,

    #[command(flatten)]
    writing: Writing,
}

#[derive(Args, Debug, Serialize)]
struct AddFlags {
    /// Rules with lower numbers are asked first.
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    priority: Number,

    /// Packets towards the VM (in), or from it (out).
    #[arg(long, value_name = "DIRECTION", value_parser = ["in", "out"])]
    direction: String,

    /// What becomes of packets.
    #[arg(long, value_name = "ACTION", value_parser = ["allow", "drop", "reject"])]
    action: String,

    #[command(flatten)]
    #[serde(flatten)]
    matching: Matching,
}

#[derive(Args, Debug, Serialize)]
struct SetFlags {
    /// Rules with lower numbers are asked first.
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<Number>,

    /// Packets towards the VM (in), or from it (out).
    #[arg(long, value_name = "DIRECTION", value_parser = ["in", "out"])]
    #[serde(skip_serializing_if = "Option::is_none")]
    direction: Option<String>,

    /// What becomes of packets.
    #[arg(long, value_name = "ACTION", value_parser = ["allow", "drop", "reject"])]
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<String>,

    #[command(flatten)]
    #[serde(flatten)]
    matching: Matching,
}

#[derive(Args, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Matching {
    /// Protocol: tcp, udp, sctp, icmp, icmpv6 or a number; without it, any IP packet.
    #[arg(long, value_name = "PROTO", allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    proto: Option<Number>,

    /// Where packets come from, or go to: any, an address, a prefix or group:NAME.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<String>,

    /// Destination ports, such as 80,443,8000-8080.
    #[arg(long, value_name = "LIST", allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<String>,

    /// Source ports.
    #[arg(long, value_name = "LIST", allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    src_port: Option<String>,

    /// Type of ICMP packets, of either version.
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    icmp_type: Option<Number>,

    /// Code of ICMP packets of the type.
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    icmp_code: Option<Number>,

    /// Frames that are no IP packets, with this ethertype, such as 0x88cc.
    #[arg(long, value_name = "HEX", allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    ethertype: Option<Number>,

    /// Log packets.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<bool>,

    /// Count and log packets, but do not decide about them.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    staged: Option<bool>,
}

/// Runs a command.
pub(super) async fn run(command: Command, session: &mut Session<'_, '_>) -> anyhow::Result<ExitCode> {
    const KIND: Kind = Kind::Rule;
    match command {
        Command::Add(Add { policy, name, flags, writing }) => {
            let mut rule = fields(&flags)?;
            let name = name.unwrap_or_else(|| flags.priority.to_string());
            rule.insert("policy".into(), policy.into());
            rule.insert("name".into(), name.into());
            let rule = Value::Object(rule);
            session.change(writing, async |client| client.create(KIND, &rule, false).await).await
        }
        Command::Set(Set { key, flags, clear, writing }) => {
            record::set(session, KIND, record::changes(&flags, &clear)?, (&key.name(), false, writing)).await
        }
        Command::Show(key) => record::show(session, KIND, &Named { name: key.name() }).await,
        Command::List(options) => list::run(&options, session).await,
        Command::Remove(RemoveRule { key, writing }) => {
            record::remove(session, KIND, &Remove { name: key.name(), writing }).await
        }
    }
}
