//! Rules, each alone.

use std::{collections::BTreeMap, sync::Arc};

use ipnet::IpNet;
use serde_json::{Value, json};
use switch_common::wire::{
    eth::{ARP, IPV4, IPV6},
    ipv4::{ICMP, SCTP, TCP, UDP},
    ipv6::ICMPV6,
    vlan::{CUSTOMER, SERVICE},
};

use super::{Check, PROPOSED};
use crate::model::{
    Ethertype, FirewallReason, Members, ObjectId, Peer, PortRanges, Protocol, Rule, Service, Takes, ValidRule,
};

/// The addresses of groups, each list once.
pub(super) struct Peers<'a> {
    members: &'a BTreeMap<&'a str, Members<'a>>,
    lists: BTreeMap<(&'a str, Option<Family>), Arc<Vec<IpNet>>>,
}

/// A family of addresses that a protocol is of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Family {
    V4,
    V6,
}

impl Family {
    /// The family of a rule's protocol, if it is of one only.
    fn of(rule: &Rule) -> Option<Self> {
        match rule.proto? {
            Protocol(ICMP) => Some(Self::V4),
            Protocol(ICMPV6) => Some(Self::V6),
            Protocol(_) => None,
        }
    }

    fn has(self, prefix: &IpNet) -> bool {
        match self {
            Self::V4 => matches!(prefix, IpNet::V4(_)),
            Self::V6 => matches!(prefix, IpNet::V6(_)),
        }
    }

    fn refusal(self) -> FirewallReason {
        match self {
            Self::V4 => FirewallReason::PeerFamily { protocol: "icmp", family: "IPv4" },
            Self::V6 => FirewallReason::PeerFamily { protocol: "icmpv6", family: "IPv6" },
        }
    }
}

impl<'a> Peers<'a> {
    /// No lists yet.
    pub(super) fn new(members: &'a BTreeMap<&'a str, Members<'a>>) -> Self {
        Self { members, lists: BTreeMap::new() }
    }

    /// The addresses of a group, of one family if there is one; none of a group that does not exist.
    fn of(&mut self, group: &'a str, family: Option<Family>) -> Arc<Vec<IpNet>> {
        if let Some(list) = self.lists.get(&(group, family)) {
            return Arc::clone(list);
        }
        let list = match family {
            Some(family) => {
                self.of(group, None).iter().filter(|prefix| family.has(prefix)).copied().collect()
            }
            None => self.members.get(group).map(Members::addresses).unwrap_or_default(),
        };
        let list = Arc::new(list);
        self.lists.insert((group, family), Arc::clone(&list));
        list
    }
}

impl Check<'_> {
    /// The valid form of a rule.
    pub(super) fn rule<'r>(&mut self, rule: &'r Rule, peers: &mut Peers<'r>) -> ValidRule {
        let id = rule.id();
        self.word(&id, &rule.name);
        self.policy_reference(&id, rule);
        let (peer, service) = (self.peer(&id, rule, peers), self.service(&id, rule));
        ValidRule {
            name: rule.name.clone(),
            priority: rule.priority,
            direction: rule.direction.into(),
            action: rule.action,
            peer,
            service,
            log: rule.log,
            staged: rule.staged,
        }
    }

    fn policy_reference(&mut self, id: &ObjectId, rule: &Rule) {
        let policies = &self.desired.policies;
        if !policies.contains_key(&rule.policy) {
            let known = policies.keys().take(PROPOSED).cloned().collect();
            self.refuse(id.clone(), "policy", rule.policy.as_str(), FirewallReason::UnknownPolicy { known });
        }
    }

    fn peer<'r>(&mut self, id: &ObjectId, rule: &'r Rule, peers: &mut Peers<'r>) -> Option<Arc<Vec<IpNet>>> {
        let family = Family::of(rule);
        match &rule.peer {
            Peer::Any => None,
            Peer::Group(name) => {
                self.group_reference(id, "peer", (name, &rule.peer.to_string()));
                Some(peers.of(name, family))
            }
            Peer::Prefix(prefix) => {
                self.host_bits(id, "peer", *prefix);
                if let Some(family) = family.filter(|family| !family.has(prefix)) {
                    self.refuse(id.clone(), "peer", rule.peer.to_string(), family.refusal());
                }
                Some(Arc::new(vec![prefix.trunc()]))
            }
        }
    }

    fn service(&mut self, id: &ObjectId, rule: &Rule) -> Service {
        if let Some(ethertype) = rule.ethertype {
            self.ethertype(id, rule, ethertype);
            return Service::Ethertype(ethertype.0);
        }
        self.ports_have_protocol(id, rule);
        self.types_have_protocol(id, rule);
        let ranges =
            |list: &Option<PortRanges>| list.as_ref().map_or_else(Vec::new, |list| list.ranges().to_vec());
        match (rule.proto, octet(rule.icmp_type)) {
            (None, _) => Service::Any,
            (Some(Protocol(protocol)), Some(kind)) => {
                Service::Icmp { protocol, kind, code: octet(rule.icmp_code) }
            }
            (Some(Protocol(protocol)), None) if rule.port.is_some() || rule.src_port.is_some() => {
                Service::Ports { protocol, destination: ranges(&rule.port), source: ranges(&rule.src_port) }
            }
            (Some(Protocol(protocol)), None) => Service::Protocol(protocol),
        }
    }

    fn ports_have_protocol(&mut self, id: &ObjectId, rule: &Rule) {
        if matches!(rule.proto, Some(Protocol(TCP | UDP | SCTP))) {
            return;
        }
        for (field, list) in [("port", &rule.port), ("srcPort", &rule.src_port)] {
            if let Some(list) = list {
                self.refuse(id.clone(), field, list.to_string(), FirewallReason::NoPorts);
            }
        }
    }

    fn types_have_protocol(&mut self, id: &ObjectId, rule: &Rule) {
        let has_types = matches!(rule.proto, Some(Protocol(ICMP | ICMPV6)));
        if let Some(kind) = rule.icmp_type {
            self.range(id, "icmpType", kind, Takes::Octet);
            if !has_types {
                self.refuse(id.clone(), "icmpType", kind, FirewallReason::NoTypes);
            }
        }
        if let Some(code) = rule.icmp_code {
            self.range(id, "icmpCode", code, Takes::Octet);
            if rule.icmp_type.is_none() {
                self.refuse(id.clone(), "icmpCode", code, FirewallReason::CodeWithoutType);
            }
        }
    }

    /// Notes an ethertype that a rule cannot have, and what it says of IP packets besides.
    fn ethertype(&mut self, id: &ObjectId, rule: &Rule, ethertype: Ethertype) {
        self.range(id, "ethertype", ethertype.0.into(), Takes::Ethertype);
        let reserved = match ethertype.0 {
            IPV4 => Some("IPv4"),
            IPV6 => Some("IPv6"),
            ARP => Some("ARP, which the switch guards by itself"),
            CUSTOMER | SERVICE => Some("a VLAN tag"),
            _ => None,
        };
        if let Some(what) = reserved {
            self.refuse(
                id.clone(),
                "ethertype",
                ethertype.to_string(),
                FirewallReason::ReservedEthertype(what),
            );
        }
        for (field, value) in ip_fields(rule) {
            self.refuse(id.clone(), field, value, FirewallReason::EthertypeWithIp(field));
        }
    }
}

/// The fields of a rule that are about IP packets.
fn ip_fields(rule: &Rule) -> impl Iterator<Item = (&'static str, Value)> {
    let peer = (!rule.peer.is_any()).then_some(&rule.peer);
    let fields = [
        ("proto", rule.proto.map(|proto| json!(proto))),
        ("peer", peer.map(|peer| json!(peer))),
        ("port", rule.port.as_ref().map(|list| json!(list))),
        ("srcPort", rule.src_port.as_ref().map(|list| json!(list))),
        ("icmpType", rule.icmp_type.map(Value::from)),
        ("icmpCode", rule.icmp_code.map(Value::from)),
    ];
    fields.into_iter().filter_map(|(field, value)| Some((field, value?)))
}

/// The number, if it has eight bits; that others are refused is said elsewhere.
fn octet(number: Option<u32>) -> Option<u8> {
    number.and_then(|number| u8::try_from(number).ok())
}
