//! The rules of one direction, in the order in which they are asked.

use std::{net::IpAddr, ops::RangeInclusive};

use ipnet::IpNet;
use switch_common::table::rules::{RECORDS, Record, Records, Side, ethertype, service};
use zerocopy::transmute;

use super::{dimension::Dimension, pool::Pool, tree};
use crate::model::{Service, ValidRule};

/// Compiles rules, each with what is said of it in its record.
pub(super) fn compile(rules: &[(&ValidRule, Record)], pool: &mut Pool) -> Side {
    if rules.is_empty() {
        return Side::default();
    }
    let mut dimensions = Dimensions::default();
    for (index, (rule, _)) in rules.iter().enumerate() {
        dimensions.peer(index, rule);
        dimensions.service(index, &rule.service);
    }
    let Dimensions { peer4, peer6, service, source } = dimensions;
    let (peer4, peer6) = (peer4.classes(pool), peer6.classes(pool));
    let (service, source) = (service.classes(pool), source.classes(pool));
    Side {
        peer4: tree::narrow(peer4, pool),
        peer6: tree::wide(peer6, pool),
        service: tree::narrow(service, pool),
        source: tree::narrow(source, pool),
        records: pool.append(rules.chunks(RECORDS).map(|chunk| {
            let record = |index| chunk.get(index).map(|(_, record)| *record).unwrap_or_default();
            transmute!(Records(std::array::from_fn(record)))
        })),
        count: u32::try_from(rules.len()).unwrap_or(u32::MAX),
        fingerprint: 0,
    }
}

#[derive(Default)]
struct Dimensions {
    peer4: Dimension,
    peer6: Dimension,
    service: Dimension,
    source: Dimension,
}

impl Dimensions {
    fn peer(&mut self, rule: usize, of: &ValidRule) {
        let Some(prefixes) = &of.peer else {
            self.peer4.everywhere(rule);
            self.peer6.everywhere(rule);
            return;
        };
        for prefix in prefixes.iter() {
            let range = number(prefix.network())..=number(prefix.broadcast());
            match prefix {
                IpNet::V4(_) => self.peer4.range(rule, range),
                IpNet::V6(_) => self.peer6.range(rule, range),
            }
        }
    }

    fn service(&mut self, rule: usize, of: &Service) {
        for range in services(of) {
            self.service.range(rule, u128::from(*range.start())..=u128::from(*range.end()));
        }
        match of {
            Service::Ports { source, .. } if !source.is_empty() => {
                for range in source {
                    self.source.range(rule, u128::from(*range.start())..=u128::from(*range.end()));
                }
            }
            Service::Any
            | Service::Protocol(_)
            | Service::Ports { .. }
            | Service::Icmp { .. }
            | Service::Ethertype(_) => self.source.everywhere(rule),
        }
    }
}

/// The services that a rule is for.
fn services(of: &Service) -> Vec<RangeInclusive<u32>> {
    let all = |protocol| service(protocol, 0)..=service(protocol, u16::MAX);
    match of {
        Service::Any => vec![service(0, 0)..=service(u8::MAX, u16::MAX)],
        Service::Protocol(protocol) => vec![all(*protocol)],
        Service::Ports { protocol, destination, .. } if destination.is_empty() => vec![all(*protocol)],
        Service::Ports { protocol, destination, .. } => {
            let ports = |range: &RangeInclusive<u16>| {
                service(*protocol, *range.start())..=service(*protocol, *range.end())
            };
            destination.iter().map(ports).collect()
        }
        Service::Icmp { protocol, kind, code } => {
            let first = u16::from_be_bytes([*kind, code.unwrap_or(0)]);
            let last = u16::from_be_bytes([*kind, code.unwrap_or(u8::MAX)]);
            vec![service(*protocol, first)..=service(*protocol, last)]
        }
        Service::Ethertype(number) => vec![ethertype(*number)..=ethertype(*number)],
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_bits().into(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}
