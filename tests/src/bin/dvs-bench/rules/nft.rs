//! A rule set as nftables reads it: known connections first, as everybody writes it.

use std::fmt::Write as _;

use super::{GROUPS, Match, POLICY, dvs::range, matches, members};

/// A table with a set for each group and one chain for forwarded packets.
pub(super) fn ruleset(count: u32) -> String {
    let mut text = format!("table inet {POLICY} {{\n");
    let mut put = |line: String| {
        // Writing to a string cannot fail.
        let _infallible = writeln!(text, "  {line}");
    };
    for group in 0..GROUPS {
        let elements = members(group).join(", ");
        put(format!("set g{group} {{ type ipv4_addr; flags interval; elements = {{ {elements} }}; }}"));
    }
    put("chain forward {".to_owned());
    put("  type filter hook forward priority filter; policy drop;".to_owned());
    put("  ct state established,related accept".to_owned());
    matches(count).for_each(|rule| put(format!("  {}", line(rule))));
    put("}".to_owned());
    text.push_str("}\n");
    text
}

fn line(rule: Match) -> String {
    match rule {
        Match::Prefix(address, bits) => format!("ip saddr {address}/{bits} drop"),
        Match::Ports(protocol, first, last) => format!("{protocol} dport {} drop", range(first, last)),
        Match::Group(group, port) => format!("ip saddr @g{group} tcp dport {port} drop"),
        Match::All => "accept".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_connections_are_not_asked_for() {
        let text = ruleset(4);
        let rules: Vec<_> = text.lines().skip_while(|line| !line.contains("policy drop")).collect();
        assert_eq!(rules[1].trim(), "ct state established,related accept");
        assert_eq!(rules[5].trim(), "accept");
        assert_eq!(rules[6].trim(), "}");
    }
}
