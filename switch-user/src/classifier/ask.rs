//! What the policies at both ends of a connection say about its first packet, and what answers are asked.

use std::net::IpAddr;

use switch_common::{
    verdict::Direction,
    wire::{
        icmp::{ECHO, ECHO_REPLY, ECHO_REPLY6, ECHO6},
        ipv4::{ICMP, SCTP, TCP, UDP},
        ipv6::ICMPV6,
    },
};

use super::linear::{self, Decision, Packet, Question};
use crate::model::{RuleAction, ValidPolicy, Validated};

/// A connection as its first packet shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection<'a> {
    /// Port that it comes from; `None` if that is none of the switch.
    pub from: Option<&'a str>,
    /// Port that it goes to.
    pub to: Option<&'a str>,
    /// Address of the sender.
    pub source: IpAddr,
    /// Address of the receiver.
    pub destination: IpAddr,
    /// What it carries.
    pub service: Carried,
}

/// What the first packet of a connection carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carried {
    /// Protocol number.
    pub protocol: u8,
    /// Source and destination port, if the protocol has any.
    pub ports: Option<[u16; 2]>,
}

impl Carried {
    /// A packet of this protocol; of ICMP it is an echo request.
    pub const fn new(protocol: u8, ports: [u16; 2]) -> Self {
        Self { protocol, ports: if has_ports(protocol) { Some(ports) } else { None } }
    }

    /// What rules are asked about instead of ports.
    fn words(self) -> [u16; 2] {
        match self.protocol {
            ICMP => [0, u16::from_be_bytes([ECHO, 0])],
            ICMPV6 => [0, u16::from_be_bytes([ECHO6, 0])],
            _ => self.ports.unwrap_or_default(),
        }
    }

    /// The same for an answer.
    fn answered(self) -> [u16; 2] {
        match self.protocol {
            ICMP => [0, u16::from_be_bytes([ECHO_REPLY, 0])],
            ICMPV6 => [0, u16::from_be_bytes([ECHO_REPLY6, 0])],
            _ => self.ports.map_or([0; 2], |[source, destination]| [destination, source]),
        }
    }
}

/// True for protocols of which rules know the ports.
pub const fn has_ports(protocol: u8) -> bool {
    matches!(protocol, TCP | UDP | SCTP)
}

impl<'a> Connection<'a> {
    /// The ports of the switch at its ends, each with what its policies are asked: the sender's first.
    pub fn questions(&self) -> impl Iterator<Item = (&'a str, Question)> + use<'a> {
        self.asked([Direction::Out, Direction::In], self.service.words())
    }

    /// The same ports in the same order, with what they are asked about an answer where no state is kept.
    pub fn answers(&self) -> impl Iterator<Item = (&'a str, Question)> + use<'a> {
        self.asked([Direction::In, Direction::Out], self.service.answered())
    }

    fn asked(
        &self,
        [from_way, to_way]: [Direction; 2],
        [from_port, to_port]: [u16; 2],
    ) -> impl Iterator<Item = (&'a str, Question)> + use<'a> {
        let Self { source, destination, service, .. } = *self;
        let question = move |direction, peer| Question {
            direction,
            packet: Packet::Ip { peer, protocol: service.protocol, source: from_port, destination: to_port },
        };
        let ends = [(self.from, from_way, destination), (self.to, to_way, source)];
        ends.into_iter().filter_map(move |(port, direction, peer)| Some((port?, question(direction, peer))))
    }
}

/// What the policies of one port say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement<'a> {
    /// The port.
    pub port: &'a str,
    /// Whether the packet goes towards the port or comes from it.
    pub direction: Direction,
    /// What decides; `None` if the port has no policies.
    pub decision: Option<Decision<'a>>,
    /// Policy and name of each staged rule that would have decided.
    pub staged: Vec<[&'a str; 2]>,
}

impl Judgement<'_> {
    /// What becomes of the packet here.
    pub fn action(&self) -> RuleAction {
        self.decision.map_or(RuleAction::Allow, |decision| decision.action)
    }
}

/// Asks at both ends, the sender's first. The receiver's is told even if the sender's refuses.
pub fn ask<'a>(valid: &'a Validated, connection: &Connection<'a>) -> Vec<Judgement<'a>> {
    let judge = |(port, question)| {
        let chain = chain(valid, port);
        let decision = linear::decide(&chain, &question);
        Judgement { port, direction: question.direction, decision, staged: staged(&chain, &question) }
    };
    connection.questions().map(judge).collect()
}

/// The policies of a port in the order in which they are asked.
pub fn chain<'a>(valid: &'a Validated, port: &str) -> Vec<(&'a str, &'a ValidPolicy)> {
    let names = valid.ports.get(port).into_iter().flat_map(|port| &port.policies);
    let policies = names.filter_map(|name| valid.policies.get_key_value(name));
    policies.map(|(name, policy)| (name.as_str(), &**policy)).collect()
}

/// The staged rules that are asked before one decides.
fn staged<'a>(chain: &[(&'a str, &'a ValidPolicy)], question: &Question) -> Vec<[&'a str; 2]> {
    let mut found = Vec::new();
    for (name, policy) in chain {
        found.extend(linear::staged(policy, question).into_iter().map(|rule| [*name, rule]));
        if policy.rules.iter().any(|rule| !rule.staged && linear::matches(rule, question)) {
            break;
        }
    }
    found
}
