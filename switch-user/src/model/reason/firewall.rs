//! Why groups, policies and rules are refused.

use std::borrow::Cow;

use switch_common::{
    table::{
        policy::CHAIN,
        rules::{MAX_RULES, MAX_STAGED},
    },
    verdict::Direction,
};

use super::{known, list};
use crate::model::{ObjectId, PortRangesError, field::Takes};

/// Why a group, a policy or a rule is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FirewallReason {
    /// A group that does not exist.
    #[error("there is no such group")]
    UnknownGroup {
        /// Some of those that exist.
        known: Vec<String>,
    },
    /// A policy that does not exist.
    #[error("there is no such policy")]
    UnknownPolicy {
        /// Some of those that exist.
        known: Vec<String>,
    },
    /// A port that does not exist.
    #[error("there is no such port")]
    UnknownPort {
        /// Some of those that exist.
        known: Vec<String>,
    },
    /// A group that is in itself.
    #[error("the group would be in itself: {}", .0.join(" -> "))]
    GroupCycle(Vec<String>),
    /// Not a list of ports.
    #[error(transparent)]
    PortRanges(PortRangesError),
    /// Ports of a protocol that has none.
    #[error("only tcp, udp and sctp have ports")]
    NoPorts,
    /// A type of a protocol that has none.
    #[error("only icmp and icmpv6 have types")]
    NoTypes,
    /// A code without a type.
    #[error("a code means something together with its type only")]
    CodeWithoutType,
    /// A peer without addresses of the protocol's family.
    #[error("{protocol} is of {family}, and this address is not")]
    PeerFamily {
        /// The protocol.
        protocol: &'static str,
        /// Its family.
        family: &'static str,
    },
    /// An ethertype that rules without one are for, or that is no ethertype of a payload.
    #[error("this is the ethertype of {0}")]
    ReservedEthertype(&'static str),
    /// An ethertype, and a field of IP packets beside it.
    #[error("a frame with an ethertype of the rule is no IP packet, so it has no {0}")]
    EthertypeWithIp(&'static str),
    /// More policies at a port than its chain takes.
    #[error("{} policies apply to the port: {}", .0.len(), .0.join(", "))]
    TooManyPolicies(Vec<String>),
    /// More rules than a policy has room for.
    #[error("that makes {number} rules with direction {}", .direction.name())]
    TooManyRules {
        /// Direction of the rules.
        direction: Direction,
        /// How many there are.
        number: usize,
    },
    /// More staged rules than a policy has room for.
    #[error("that makes {number} staged rules with direction {}", .direction.name())]
    TooManyStaged {
        /// Direction of the rules.
        direction: Direction,
        /// How many there are.
        number: usize,
    },
    /// Two names of which the datapath makes the same number.
    #[error("the datapath could not tell it from {0}: their names make the same number")]
    SameNumber(ObjectId),
    /// More compiled rules than the table takes.
    #[error(
        "the policies take {rows} rows; the largest one is {name}, with {largest}, and room for two of that size must \
         stay free: one for a new version, one to move policies through"
    )]
    TooManyRows {
        /// Rows of all policies.
        rows: u64,
        /// The largest policy.
        name: String,
        /// Its rows.
        largest: u64,
    },
    /// A port that is to be removed and that groups name.
    #[error("{} still {} it", list(.0), if .0.len() == 1 { "names" } else { "name" })]
    PortInUse(Vec<ObjectId>),
    /// A group that is to be removed and that others name.
    #[error("{} still {} it", list(.0), if .0.len() == 1 { "names" } else { "name" })]
    GroupInUse(Vec<ObjectId>),
    /// A policy that is to be removed and has rules.
    #[error("{} still {} to it", list(.0), if .0.len() == 1 { "belongs" } else { "belong" })]
    PolicyInUse(Vec<ObjectId>),
}

impl FirewallReason {
    /// The word for programs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::UnknownGroup { .. } => "unknown-group",
            Self::UnknownPolicy { .. } => "unknown-policy",
            Self::UnknownPort { .. } => "unknown-port",
            Self::GroupCycle(_) => "group-cycle",
            Self::PortRanges(_) => "bad-port-ranges",
            Self::NoPorts => "no-ports",
            Self::NoTypes => "no-types",
            Self::CodeWithoutType => "code-without-type",
            Self::PeerFamily { .. } => "peer-family",
            Self::ReservedEthertype(_) => "reserved-ethertype",
            Self::EthertypeWithIp(_) => "ethertype-with-ip",
            Self::TooManyPolicies(_) => "too-many-policies",
            Self::TooManyRules { .. } => "too-many-rules",
            Self::TooManyStaged { .. } => "too-many-staged",
            Self::SameNumber(_) => "same-number",
            Self::TooManyRows { .. } => "too-many-rows",
            Self::PortInUse(_) => "port-in-use",
            Self::GroupInUse(_) => "group-in-use",
            Self::PolicyInUse(_) => "policy-in-use",
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> Cow<'static, str> {
        match self {
            Self::UnknownGroup { known: names } => known(names, "dvs group add NAME"),
            Self::UnknownPolicy { known: names } => known(names, "dvs policy add NAME"),
            Self::UnknownPort { known: names } => known(names, "dvs port add NAME"),
            Self::GroupCycle(_) => "take one of these groups out of the one before it".into(),
            Self::PortRanges(_) => format!("give {}", Takes::PortRanges).into(),
            Self::NoPorts => "set proto to tcp, udp or sctp, or leave the ports out".into(),
            Self::NoTypes => "set proto to icmp or icmpv6, or leave icmpType and icmpCode out".into(),
            Self::CodeWithoutType => "set icmpType, or leave icmpCode out".into(),
            Self::PeerFamily { family, .. } => {
                format!("give a peer of {family}, any or a group, or choose another proto").into()
            }
            Self::ReservedEthertype(_) => "leave ethertype out for IP packets, or choose another one".into(),
            Self::EthertypeWithIp(field) => format!("leave out either ethertype or {field}").into(),
            Self::TooManyPolicies(_) => {
                format!("keep to {CHAIN}: take the port out of a group, or set its firewall to off").into()
            }
            Self::TooManyRules { .. } => {
                format!("keep to {MAX_RULES} a direction, or make two policies of it").into()
            }
            Self::TooManyStaged { .. } => format!("keep to {MAX_STAGED} a direction").into(),
            Self::SameNumber(_) => "choose another name".into(),
            Self::TooManyRows { rows, largest, .. } => capacity(rows + 2 * largest),
            Self::PortInUse(_) => "take it out of these groups first".into(),
            Self::GroupInUse(_) => "change or remove these first".into(),
            Self::PolicyInUse(_) => "remove its rules first".into(),
        }
    }
}

/// How to make room for so many rows.
fn capacity(rows: u64) -> Cow<'static, str> {
    let limit = Takes::RuleCapacity.range().map_or(0, |range| *range.end());
    // With some room to grow, so that the next rule is not refused too.
    match u32::try_from((rows + 1).next_power_of_two()) {
        Ok(wanted) if wanted <= limit => format!("dvs switch set --rule-capacity {wanted}").into(),
        _ => format!("keep to {limit} rows: use fewer rules, or fewer different peers and ports").into(),
    }
}
