//! What is legal, and yet perhaps not meant.

mod lockout;
mod overlap;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

pub use lockout::{Lockout, lockouts};

use super::{Change, Desired, Kind, Members, Rule, Validated, members, members::Order};

/// Names in a sentence at most.
const MOST_NAMES: usize = 5;

/// Warnings about what these changes made, in sentences.
pub fn warnings(desired: &Desired, valid: &Validated, changes: &[Change]) -> Vec<String> {
    let members = members(desired);
    let concerned = Concerned::of(desired, &members, changes);
    let mut warnings = overlap::overlaps(desired, valid, &concerned);
    let groups: BTreeSet<&str> = concerned.rules(desired).filter_map(|rule| rule.peer.group()).collect();
    let unknown = groups.into_iter().filter_map(|name| without_ip(name, members.get(name)?));
    warnings.extend(unknown);
    warnings
}

/// What changes are about, directly or through groups.
struct Concerned<'a> {
    /// Rules that changed, by policy and name.
    rules: BTreeSet<&'a str>,
    /// Groups of which the members may have changed.
    groups: BTreeSet<&'a str>,
}

impl<'a> Concerned<'a> {
    fn of(desired: &'a Desired, members: &BTreeMap<&'a str, Members<'_>>, changes: &'a [Change]) -> Self {
        let of_kind = |kind| -> BTreeSet<&'a str> {
            let changes = changes.iter().filter(|change| change.kind == kind);
            changes.map(|change| change.name.as_str()).collect()
        };
        let (ports, touched) = (of_kind(Kind::Port), of_kind(Kind::Group));
        let mut groups = BTreeSet::new();
        for group in Order::of(&desired.groups).inner_first {
            let name = group.name.as_str();
            let inner = || group.groups.iter().any(|inner| groups.contains(inner.as_str()));
            let has =
                |members: &Members<'_>| members.ports.iter().any(|port| ports.contains(port.name.as_str()));
            if touched.contains(name) || inner() || members.get(name).is_some_and(has) {
                groups.insert(name);
            }
        }
        Self { rules: of_kind(Kind::Rule), groups }
    }

    /// The rules that are concerned.
    fn rules<'d>(&self, desired: &'d Desired) -> impl Iterator<Item = &'d Rule> {
        let concerned = desired.rules.iter().filter(|(key, rule)| {
            self.rules.contains(key.as_str())
                || rule.peer.group().is_some_and(|group| self.groups.contains(group))
        });
        concerned.map(|(_, rule)| rule)
    }
}

/// The warning about ports of a group that rules cannot know.
fn without_ip(group: &str, members: &Members<'_>) -> Option<String> {
    let ports = members.ports.iter().filter(|port| port.ip.is_empty());
    let names: Vec<&str> = ports.map(|port| port.name.as_str()).collect();
    let more = names.len().saturating_sub(MOST_NAMES);
    let shown = names.iter().take(MOST_NAMES).copied().collect::<Vec<_>>().join(", ");
    match names.len() {
        0 => None,
        1 => Some(format!("Group {group}: port {shown} has no ip, so rules do not know it")),
        _ if more == 0 => Some(format!("Group {group}: ports {shown} have no ip, so rules do not know them")),
        _ => Some(format!(
            "Group {group}: ports {shown} and {more} others have no ip, so rules do not know them"
        )),
    }
}
