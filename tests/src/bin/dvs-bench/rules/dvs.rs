//! A rule set as this switch reads it.

use std::fmt::Write as _;

use super::{GROUPS, Match, POLICY, matches, members};

/// Groups, a policy for the ports with the label `role: server`, and its rules.
pub(crate) fn objects(count: u32) -> String {
    let mut text = String::new();
    let mut put = |fields: String| {
        // Writing to a string cannot fail.
        let _infallible = writeln!(text, "- {{apiVersion: dvs/v1, {fields}}}");
    };
    for group in 0..GROUPS {
        put(format!("kind: Group, name: g{group}, prefixes: [{}]", members(group).join(", ")));
    }
    put("kind: Group, name: servers, selector: {role: server}".to_owned());
    put(format!("kind: Policy, name: {POLICY}, appliesTo: servers, default: drop"));
    for (number, rule) in (1..).zip(matches(count)) {
        put(format!(
            "kind: Rule, policy: {POLICY}, name: r{number}, priority: {number}, direction: in, {}",
            fields(rule)
        ));
    }
    text
}

fn fields(rule: Match) -> String {
    match rule {
        Match::Prefix(address, bits) => format!("action: drop, peer: {address}/{bits}"),
        Match::Ports(protocol, first, last) => {
            format!("action: drop, proto: {protocol}, port: '{}'", range(first, last))
        }
        Match::Group(group, port) => {
            format!("action: drop, proto: tcp, peer: 'group:g{group}', port: '{port}'")
        }
        Match::All => "action: allow".to_owned(),
    }
}

/// A range as both read it.
pub(super) fn range(first: u32, last: u32) -> String {
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}

#[cfg(test)]
mod tests {
    use switch_user::model::{Desired, read, validate};

    use super::*;

    #[test]
    fn the_switch_takes_what_is_written() {
        let source = read::Source::read(&objects(1000)).unwrap();
        let desired: Desired = source.objects.into_iter().collect();
        let valid = validate(&desired).unwrap();
        assert_eq!(valid.policies[POLICY].rules.len(), 1000);
    }
}
