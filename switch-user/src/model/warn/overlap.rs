//! Rules of which only their names say which one decides.

use std::{collections::HashSet, ops::RangeInclusive};

use ipnet::IpNet;

use super::Concerned;
use crate::model::{Desired, Service, ValidRule, Validated};

/// Warnings about pairs at most: whoever has so many made one mistake, not many.
const MOST: usize = 10;
/// Pairs of a policy that are looked at: all, unless thousands of rules that changed have the same priority.
const LOOKS: usize = 1_000_000;

/// A warning for each pair of rules with the same priority and different actions that match the same
/// packets, of which at least one is concerned.
pub(super) fn overlaps(desired: &Desired, valid: &Validated, concerned: &Concerned<'_>) -> Vec<String> {
    let concerned: HashSet<(&str, &str)> =
        concerned.rules(desired).map(|rule| (rule.policy.as_str(), rule.name.as_str())).collect();
    if concerned.is_empty() {
        return Vec::new();
    }
    let pairs = valid.policies.iter().flat_map(|(policy, valid)| {
        let concerned = |rule: &ValidRule| concerned.contains(&(policy.as_str(), rule.name.as_str()));
        pairs(&valid.rules, concerned).map(move |(first, second)| warning(policy, first, second))
    });
    let mut warnings: Vec<String> = pairs.take(MOST + 1).collect();
    if warnings.len() > MOST {
        warnings.truncate(MOST);
        warnings.push("there are more rules with the same priority that match the same packets".into());
    }
    warnings
}

fn warning(policy: &str, first: &ValidRule, second: &ValidRule) -> String {
    let ValidRule { name, priority, .. } = first;
    format!(
        "Rule {policy}/{name} and Rule {policy}/{} have the same priority {priority} and match the same packets: \
         the one whose name sorts first, {name}, decides",
        second.name
    )
}

/// The pairs among rules that are sorted by priority and name.
fn pairs(
    rules: &[ValidRule],
    concerned: impl Fn(&ValidRule) -> bool,
) -> impl Iterator<Item = (&ValidRule, &ValidRule)> {
    let chunks = rules.chunk_by(|one, other| one.priority == other.priority);
    let chunks = chunks.filter(|chunk| chunk.len() > 1);
    let pairs = chunks.flat_map(move |chunk| {
        // Asked once a rule, not once a pair.
        let concerned: Vec<bool> = chunk.iter().map(&concerned).collect();
        let indexes = (0..chunk.len()).filter(|index| concerned[*index]).collect::<Vec<_>>();
        indexes.into_iter().flat_map(move |index| {
            // A pair of which both are concerned comes once.
            let before: Vec<usize> = (0..index).filter(|other| !concerned[*other]).collect();
            let others = before.into_iter().chain(index + 1..chunk.len());
            others.map(move |other| (&chunk[index.min(other)], &chunk[index.max(other)]))
        })
    });
    pairs.take(LOOKS).filter(|(first, second)| differ(first, second) && overlap(first, second))
}

/// True if it matters which of the two decides.
fn differ(one: &ValidRule, other: &ValidRule) -> bool {
    one.action != other.action && one.direction == other.direction && !one.staged && !other.staged
}

/// True if a packet can match both.
fn overlap(one: &ValidRule, other: &ValidRule) -> bool {
    services_overlap(&one.service, &other.service)
        && peers_overlap(one.peer.as_deref().map(Vec::as_slice), other.peer.as_deref().map(Vec::as_slice))
}

fn services_overlap(one: &Service, other: &Service) -> bool {
    use Service::{Any, Ethertype, Icmp, Ports, Protocol};
    match (one, other) {
        (Ethertype(one), Ethertype(other)) => one == other,
        (Ethertype(_), _) | (_, Ethertype(_)) => false,
        (Any, _) | (_, Any) => true,
        (
            Ports { protocol: one, destination, source },
            Ports { protocol: other, destination: destinations, source: sources },
        ) => one == other && ports_overlap(destination, destinations) && ports_overlap(source, sources),
        (
            Icmp { protocol: one, kind, code },
            Icmp { protocol: other, kind: other_kind, code: other_code },
        ) => {
            let same_code = code.is_none() || other_code.is_none() || code == other_code;
            one == other && kind == other_kind && same_code
        }
        (
            Protocol(one) | Ports { protocol: one, .. } | Icmp { protocol: one, .. },
            Protocol(other) | Ports { protocol: other, .. } | Icmp { protocol: other, .. },
        ) => one == other,
    }
}

fn ports_overlap(one: &[RangeInclusive<u16>], other: &[RangeInclusive<u16>]) -> bool {
    let common = |a: &RangeInclusive<u16>| other.iter().any(|b| a.start() <= b.end() && b.start() <= a.end());
    one.is_empty() || other.is_empty() || one.iter().any(common)
}

fn peers_overlap(one: Option<&[IpNet]>, other: Option<&[IpNet]>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(some), None) | (None, Some(some)) => !some.is_empty(),
        (Some(one), Some(other)) if one.len() > other.len() => lists_overlap(other, one),
        (Some(one), Some(other)) => lists_overlap(one, other),
    }
}

/// Prefixes of a list are sorted and apart, so only the two next to a prefix can overlap it.
fn lists_overlap(few: &[IpNet], many: &[IpNet]) -> bool {
    few.iter().any(|prefix| {
        let next = many.partition_point(|other| other <= prefix);
        let near = many[next.saturating_sub(1)..].iter().take(2);
        near.into_iter().any(|other| other.contains(prefix) || prefix.contains(other))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefixes(texts: &[&str]) -> Vec<IpNet> {
        IpNet::aggregate(&texts.iter().map(|text| text.parse().unwrap()).collect())
    }

    #[test]
    fn lists_overlap_where_they_share_an_address() {
        let list = prefixes(&["10.0.0.0/24", "10.0.2.0/24", "10.9.0.1/32", "fd00::/64"]);
        for (prefix, expected) in [
            ("10.0.0.7/32", true),
            ("10.0.1.0/24", false),
            ("10.0.0.0/8", true),
            ("10.9.0.0/31", true),
            ("10.9.0.2/32", false),
            ("9.0.0.0/8", false),
            ("fd00::1/128", true),
            ("fd00:1::/64", false),
            ("::/0", true),
        ] {
            assert_eq!(lists_overlap(&prefixes(&[prefix]), &list), expected, "{prefix}");
            let one = prefixes(&[prefix]);
            assert_eq!(peers_overlap(Some(&list), Some(&one)), expected, "{prefix}");
        }
        assert!(!peers_overlap(Some(&[]), None) && !peers_overlap(Some(&[]), Some(&list)));
        assert!(peers_overlap(None, None) && peers_overlap(Some(&list), None));
    }
}
