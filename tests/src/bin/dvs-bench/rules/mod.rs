//! Rule sets of any size, the same for this switch and for its peers.
//!
//! Four rules of ten are about a prefix, three about a range of ports, three about a group of prefixes. The
//! traffic of the benchmark is that of the last rule alone, so whoever asks rules one by one asks them all.

mod dvs;
mod nft;

use std::net::Ipv4Addr;

use clap::ValueEnum;

pub(crate) use dvs::objects;

/// Name of the policy, and of the table of nftables.
pub(crate) const POLICY: &str = "bench";
/// Groups that rules are about.
const GROUPS: u32 = 16;
/// Prefixes of a group.
const PREFIXES: u32 = 8;
/// The first of the ports that ranges are of; none that a test uses is above.
const PORTS: u32 = 10_000;
/// Ports that ranges begin at.
const STARTS: u32 = 50_000;

/// What to print.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Rules
    count: u32,
    /// For whom
    #[arg(long, value_enum, default_value_t = Form::Dvs)]
    form: Form,
}

/// Who reads it.
#[derive(Clone, Copy, ValueEnum)]
enum Form {
    /// `dvs apply`.
    Dvs,
    /// `nft -f`.
    Nft,
}

/// Prints a rule set.
pub(crate) fn print(options: &Options) {
    match options.form {
        Form::Dvs => print!("{}", objects(options.count)),
        Form::Nft => print!("{}", nft::ruleset(options.count)),
    }
}

/// What a rule matches. All but the last drop it, the last lets it pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Match {
    /// Packets from this prefix.
    Prefix(Ipv4Addr, u32),
    /// Packets to these ports.
    Ports(&'static str, u32, u32),
    /// TCP packets from this group to this port.
    Group(u32, u32),
    /// Any packet.
    All,
}

/// The rules in the order in which they are asked.
fn matches(count: u32) -> impl Iterator<Item = Match> {
    (1..count).map(of).chain([Match::All])
}

fn of(number: u32) -> Match {
    match number % 10 {
        1 | 4 | 7 | 0 => prefix(number),
        2 | 5 | 8 => {
            let first = PORTS + number * 13 % STARTS;
            Match::Ports(if number % 4 < 2 { "tcp" } else { "udp" }, first, first + number % 16)
        }
        _ => Match::Group(number % GROUPS, 1 + number / GROUPS),
    }
}

/// One of 11.0.0.0 to 110.255.255.255, scattered, with 16 to 28 bits.
fn prefix(number: u32) -> Match {
    let [first, second, third, fourth] = number.wrapping_mul(2_654_435_761).to_be_bytes();
    let bits = 16 + number % 4 * 4;
    let address = u32::from_be_bytes([11 + first % 100, second, third, fourth]);
    Match::Prefix(Ipv4Addr::from(address & u32::MAX << (32 - bits)), bits)
}

/// The prefixes of a group.
fn members(group: u32) -> Vec<String> {
    (0..PREFIXES).map(|number| format!("192.168.{}.0/24", group * PREFIXES + number)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_mixed_and_only_the_last_is_for_all() {
        let all: Vec<_> = matches(1000).collect();
        let count = |is: fn(&Match) -> bool| all.iter().filter(|rule| is(rule)).count();
        assert_eq!(count(|rule| matches!(rule, Match::Prefix(..))), 399);
        assert_eq!(count(|rule| matches!(rule, Match::Ports(..))), 300);
        assert_eq!(count(|rule| matches!(rule, Match::Group(..))), 300);
        assert_eq!(all.iter().position(|rule| *rule == Match::All), Some(999));
    }

    #[test]
    fn no_rule_but_the_last_is_about_the_stations_of_the_tests() {
        for rule in matches(30_000) {
            match rule {
                Match::Prefix(address, bits) => {
                    assert!(
                        address.octets()[0] > 10 && address.octets()[0] < 192 && (16..=28).contains(&bits)
                    );
                }
                Match::Ports(_, first, last) => assert!(PORTS <= first && first <= last && last <= 65_535),
                Match::Group(group, port) => assert!(group < GROUPS && (1..=65_535).contains(&port)),
                Match::All => {}
            }
        }
    }
}
